package gateredis

import (
	"context"
	"fmt"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// logins holds the keys that calls for sessions use: the Redis hash of a subject's
// sessions, the subject's record, and the mark. The first two are in one slot.
type logins struct {
	subject        string
	sessions, gone string
	mark           string
}

func (s *Store) logins(subject string) logins {
	hash := s.hash(stores.Subject, subject)
	return logins{subject, s.o.Prefix + "{" + s.tag(hash) + "}sessions:" + hash, s.key(stores.Subject, hash), s.markKey(s.tag(hash))}
}

// seen is what one script has read about a subject at one instant: the records of its
// sessions, its own record, and the server's clock.
type seen struct {
	now     time.Time
	epoch   *epoch
	gone    string // the value of the subject's record; "" if there is none
	revoked storekit.SubjectRecord
	records []stores.SessionRecord // newest first, without the expired ones
	values  map[string]string      // the values by ID, with the expired ones
}

// sessionsOf reads the sessions of a subject, or one of them.
func (s *Store) sessionsOf(ctx context.Context, l logins, session string) (v seen, err error) {
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return v, err
	}
	parts, mark, err := s.lookAtSessions(ctx, l, session)
	if err != nil {
		return v, fmt.Errorf("gateredis: sessions: %w", err)
	}
	if v.epoch, err = s.sameEpoch(ctx, k, []string{mark}); err != nil {
		return v, err
	}
	if len(parts) < 3 || len(parts)%2 == 0 {
		return v, errForeign
	}
	if v.now, err = readTime(parts[0], parts[1]); err != nil {
		return v, fmt.Errorf("gateredis: sessions: %w", err)
	}
	if s.o.ServerClock != nil {
		v.now = s.o.ServerClock()
	}
	v.now = v.now.UTC().Truncate(time.Microsecond)
	if v.gone = parts[2]; v.gone != "" {
		e, ok := decode(stores.Subject, v.gone)
		if !ok {
			return v, errForeign
		}
		if storekit.Live(e.until, s.now()) {
			v.revoked = e.subject
		}
	}
	return v, s.readRecords(&v, l.subject, parts[3:])
}

// readRecords reads pairs of ID and value.
func (s *Store) readRecords(v *seen, subject string, pairs []string) error {
	v.values = make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		r, ok := decodeSession(subject, pairs[i], pairs[i+1])
		if !ok {
			return errForeign
		}
		v.values[r.ID] = pairs[i+1]
		if !s.keep.SessionOver(r, v.now) {
			v.records = append(v.records, r)
		}
	}
	storekit.SortSessions(v.records)
	return nil
}

// lookAtSessions runs sessionsScript and then reads the mark, in one round trip.
func (s *Store) lookAtSessions(ctx context.Context, l logins, session string) (parts []string, mark string, err error) {
	for {
		results := s.client.DoMulti(ctx,
			s.client.B().Eval().Script(sessionsScript).Numkeys(2).Key(l.sessions, l.gone).Arg(session).Build(),
			s.client.B().Get().Key(l.mark).Build())
		if parts, err = results[0].AsStrSlice(); err == nil {
			mark, err = text(results[1].ToString())
		}
		if err == nil || !refused(err) || !pause(ctx) {
			return parts, mark, err
		}
	}
}

// covers reports whether the tokens of a record are revoked.
func (s *Store) covers(v seen, r stores.SessionRecord) bool {
	revoked := !v.revoked.Predates(r.Generation, v.epoch.lowest()) && v.revoked.CoversSession(r, s.hash(stores.Session, r.ID))
	return revoked || s.older(v.epoch, r)
}

// open returns the records that are not revoked.
func (s *Store) open(v seen) (list []stores.SessionRecord) {
	for _, r := range v.records {
		if !s.covers(v, r) {
			list = append(list, r)
		}
	}
	return list
}

// sessionsIn is sessionsOf for a subject that may have no name.
func (s *Store) sessionsIn(ctx context.Context, subject, session string) (seen, error) {
	err := ctx.Err()
	if err == nil && subject == "" {
		err = stores.ErrNoID
	}
	if err != nil {
		return seen{}, fmt.Errorf("gateredis: %w", err)
	}
	return s.sessionsOf(ctx, s.logins(subject), session)
}
