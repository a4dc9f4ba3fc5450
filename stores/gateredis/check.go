package gateredis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Blocked reports whether t was revoked by its ID, its session or its subject. It returns
// an error if it cannot know: an error of the server or the connection,
// [stores.ErrWiped], [stores.ErrUnsafe], [stores.ErrReadOnly], [stores.ErrLifetime] or
// [stores.ErrForgotten].
func (s *Store) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	return s.blocked(ctx, t, s.o.CacheFor > 0)
}

// BlockedDirect does the same as Blocked, but always asks the server.
func (s *Store) BlockedDirect(ctx context.Context, t *gate.Token) (bool, error) {
	return s.blocked(ctx, t, false)
}

func (s *Store) blocked(ctx context.Context, t *gate.Token, cached bool) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("gateredis: %w", err)
	}
	started := time.Now()
	now := started
	if s.o.Clock != nil {
		now = s.o.Clock()
	}
	if err := s.keep.Check(t, now); err != nil {
		return false, fmt.Errorf("gateredis: %w", err)
	}
	if t.ID == "" && t.SessionID == "" && storekit.SubjectOf(t) == "" {
		return false, nil
	}
	if _, ok := ctx.Deadline(); !ok {
		late := &lateContext{Context: ctx, deadline: started.Add(s.o.Timeout)}
		defer late.stop()
		ctx = late
	}
	k, err := s.ready(ctx, started)
	if err != nil {
		return false, err
	}
	c := check{t: t, now: now, started: started, cached: cached}
	if cached {
		if v, ok := s.recall(ctx, t, started); ok && v.holds(now) {
			return v.blocked, nil
		}
	}
	blocked, err := s.ask(ctx, c, k)
	if errors.Is(err, errAhead) { // the cache may be older than the token
		c.cached = false
		return s.ask(ctx, c, k)
	}
	return blocked, err
}

// A check is one question about a token.
type check struct {
	t       *gate.Token
	now     time.Time // by the store's clock
	started time.Time
	cached  bool  // the cache may answer
	lowest  int64 // the generation of subjects without a record
}

// ask reads the entries of t and returns whether it is revoked.
func (s *Store) ask(ctx context.Context, c check, k known) (bool, error) {
	l := s.lookup(c.t)
	values, mixed, err := s.read(ctx, l.all, c.cached)
	if err != nil {
		return false, fmt.Errorf("gateredis: check: %w", err)
	}
	marks := values[len(l.kinds):]
	e, err := s.sameEpoch(ctx, k, marks)
	if err == nil && mixed {
		e, err = s.epochAfter(ctx, k, l.tags)
	}
	if err != nil {
		return false, err
	}
	c.lowest = e.lowest()
	v, err := l.judge(c, values)
	if err != nil {
		return false, err
	}
	if !v.blocked && !s.trusts(e) && e.older(c.t) {
		v.blocked, v.until = true, storekit.Never
	}
	if c.cached {
		s.remember(c, v, l.tags, marks)
	}
	return v.blocked, nil
}

// errForeign is the error for a value that this package has not written: such a token is
// denied.
var errForeign = errors.New("gateredis: the server holds a key that is not an entry of this store; restore the token, session or subject to remove it, and revoke it again")

// errAhead means that the token's generation is above the cached record's.
var errAhead = errors.New("gateredis: the cache may be older than the token")

// judge reads the verdict from the values of l.all.
func (l *lookup) judge(c check, values []string) (verdict, error) {
	var v verdict
	for i, kind := range l.kinds {
		if values[i] == "" {
			continue
		}
		e, ok := decode(kind, values[i])
		switch {
		case !ok:
			return v, errForeign
		case !storekit.Live(e.until, c.now):
			v.passing = true
			continue
		}
		covered, known := true, true
		if kind == stores.Subject {
			covered, known = c.covers(e.subject, l.sessionHash)
		}
		if !known && c.cached {
			return v, errAhead
		}
		if !known {
			covered = e.subject.Covers(c.t, l.sessionHash)
		}
		if covered {
			return verdict{blocked: true, until: e.until}, nil
		}
	}
	return v, nil
}

// covers reports whether the record of the subject covers the token, and whether that is
// certain.
func (c check) covers(r storekit.SubjectRecord, session string) (covered, known bool) {
	if gen, _ := c.t.Generation(); r.Predates(gen, c.lowest) {
		return false, true
	}
	return r.CoversCached(c.t, session)
}

// bound adds Options.Timeout to a call without a deadline.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.o.Timeout)
}

// read returns the values of keys in one round trip. A missing key has the value "". mixed
// reports whether some of them may be from the cache and others from the server.
func (s *Store) read(ctx context.Context, keys []string, cached bool) (values []string, mixed bool, err error) {
	if cached && s.steps.trusted(time.Now(), s.o.CacheFor) {
		return s.readCached(ctx, keys)
	}
	values, err = s.readFresh(ctx, keys)
	return values, false, err
}

// epochAfter reads the marks again. A mark that was in the cache is older than an entry
// that the server was asked for: without another look a wipe in between would be read as
// "not revoked".
func (s *Store) epochAfter(ctx context.Context, k known, tags []string) (*epoch, error) {
	marks, err := make([]string, len(tags)), error(nil)
	for i, tag := range tags {
		if marks[i], err = s.cached(ctx, int32(slices.Index(s.tags, tag))); err != nil {
			return nil, fmt.Errorf("gateredis: check: %w", err)
		}
	}
	return s.sameEpoch(ctx, k, marks)
}

// readFresh reads with a command for each key. While a slot moves, a command for several
// keys fails, but one for a single key is redirected. MGET would also report a key of
// another type as missing. Marks are read last: if they are unchanged, the store was not
// wiped before the other keys were read.
func (s *Store) readFresh(ctx context.Context, keys []string) ([]string, error) {
	return texts(s.client.DoMulti(ctx, s.gets(keys)...))
}

func (s *Store) gets(keys []string) []rueidis.Completed {
	commands := make([]rueidis.Completed, len(keys))
	for i, k := range keys {
		commands[i] = s.client.B().Get().Key(k).Build()
	}
	return commands
}

func texts(results []rueidis.RedisResult) ([]string, error) {
	values, err := make([]string, len(results)), error(nil)
	for i := range results {
		if values[i], err = text(results[i].ToString()); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// text returns a value, or "" for a missing key.
func text(value string, err error) (string, error) {
	if err == nil || rueidis.IsRedisNil(err) {
		return value, nil
	}
	if e, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(e.Error(), "WRONGTYPE") {
		return "", errForeign
	}
	return "", err
}

// Entry returns the entry of a token ID, session or subject. It returns false if there is
// none or it has expired. It always asks the server.
func (s *Store) Entry(ctx context.Context, kind stores.Kind, id string) (stores.Entry, bool, error) {
	if id == "" || kind != stores.Token && kind != stores.Session && kind != stores.Subject {
		return stores.Entry{}, false, fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	hash := s.hash(kind, id)
	e, ok, err := s.load(ctx, kind, s.key(kind, hash))
	if err != nil || !ok {
		return stores.Entry{}, false, err
	}
	return stores.Entry{
		Kind: kind, ID: hash, At: storekit.UnixTime(e.at), Until: storekit.UnixTime(e.until), Note: e.note,
		Generation: e.subject.Generation, AllGeneration: e.subject.AllGeneration,
		Before: storekit.UnixTime(e.subject.Before), AllBefore: storekit.UnixTime(e.subject.AllBefore), ExceptSession: e.subject.Except,
	}, true, nil
}

// load reads one live entry.
func (s *Store) load(ctx context.Context, kind stores.Kind, key string) (entry, bool, error) {
	values, err := s.readFresh(ctx, []string{key})
	if err != nil {
		return entry{}, false, fmt.Errorf("gateredis: read: %w", err)
	}
	if values[0] == "" {
		return entry{}, false, nil
	}
	e, ok := decode(kind, values[0])
	if !ok {
		return entry{}, false, errForeign
	}
	return e, storekit.Live(e.until, s.now()), nil
}
