package gatetest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Sessions runs the suite that every store of sessions passes, best under -race.
// newStore is as for [Blocklist]; its clock is that of the store's server too.
func Sessions(t *testing.T, newStore func(t *testing.T, clock func() time.Time) stores.Sessions) {
	for _, check := range []struct {
		name string
		run  func(*sessions)
	}{
		{"added and listed", checkAdded},
		{"rotation", checkRotation},
		{"lifetimes", checkLifetimes},
		{"grace period", checkGrace},
		{"reuse", checkReuse},
		{"lost rotations", checkLost},
		{"no record", checkNoRecord},
		{"a record's time", checkRecordTime},
		{"generation", checkRotationGeneration},
		{"generation: none", checkRotationIssued},
		{"generation: above the record", checkRotationAbove},
		{"revoked records", checkRemoveRevoked},
		{"revoke all", checkRotationAll},
		{"limit: refuse", checkRefuse},
		{"limit: evict", checkEvict},
		{"limit: idle", checkIdleLimit},
		{"device", checkDevice},
		{"identifiers", checkSessionIDs},
		{"subjects are apart", checkSubjectsApart},
		{"contexts", checkSessionContexts},
		{"rotations at once", checkRotationsAtOnce},
		{"reuse at once", checkReuseAtOnce},
		{"removed while rotated", checkRemoveAtOnce},
		{"revoked while rotated", checkRevokeAtOnce},
		{"added at once", checkAddAtOnce},
		{"any order", checkAnyOrder},
	} {
		t.Run(check.name, func(t *testing.T) {
			c := NewClock()
			store := newStore(t, c.Now)
			check.run(&sessions{suite: &suite{T: t, clock: c, store: store, note: stores.Note{By: "admin", Why: "stolen phone"}}, kept: store})
		})
	}
}

// sessions is one check at work.
type sessions struct {
	*suite
	kept stores.Sessions
}

const (
	testGrace = 10 * time.Second
	testIdle  = 24 * time.Hour
)

// record is a session of alice, whose first refresh token has the "jti" that id begins.
func (s *sessions) record(id string) stores.SessionRecord {
	now := s.clock.Now().Truncate(time.Second).UTC()
	return stores.SessionRecord{
		ID: id, Subject: "alice", Live: id + "-first", Issued: now, Expires: now.Add(testIdle), Idle: testIdle, End: now.Add(30 * testIdle),
		Remember: true, Device: stores.Device{Name: "Firefox on Linux", UserAgent: "Mozilla/5.0", Address: "192.0.2.1"},
	}
}

// begin adds a record.
func (s *sessions) begin(r stores.SessionRecord) stores.SessionRecord {
	s.Helper()
	_, err := s.kept.AddSession(s.Context(), r, stores.SessionLimit{})
	s.ok(err, "AddSession")
	r.Created = s.clock.Now()
	return r
}

// refreshToken is the token of a session with that "jti". Tokens of generation
// stores.NoGeneration have none.
func (s *sessions) refreshToken(r stores.SessionRecord, id string) *gate.Token {
	s.Helper()
	if r.Generation != stores.NoGeneration {
		return s.minted(gate.Create{}, map[string]any{
			"sub": r.Subject, "sid": r.ID, "jti": id, "gen": r.Generation, "iat": r.Issued, "exp": r.Expires, "type": "refresh",
		})
	}
	return &gate.Token{ID: id, Subject: r.Subject, SessionID: r.ID, IssuedAt: r.Issued, Expiry: r.Expires, Type: gate.Refresh}
}

// rotate presents the token of a session with that "jti", and checks the outcome.
func (s *sessions) rotate(r stores.SessionRecord, id string, want stores.Outcome, when string) stores.SessionRecord {
	s.Helper()
	out, err := s.kept.Rotate(s.Context(), stores.Rotation{Token: s.refreshToken(r, id), Grace: testGrace})
	s.ok(err, when+": Rotate")
	if out.Outcome != want {
		s.Errorf("%s: outcome %d, want %d", when, out.Outcome, want)
	}
	return out.Session
}

// list returns the records of a subject by their IDs.
func (s *sessions) list(subject string) map[string]stores.SessionRecord {
	s.Helper()
	list, err := s.kept.Sessions(s.Context(), subject)
	s.ok(err, "Sessions")
	byID := map[string]stores.SessionRecord{}
	for i, r := range list {
		if i > 0 && r.Created.After(list[i-1].Created) {
			s.Errorf("Sessions: %s is newer than the one before", r.ID)
		}
		byID[r.ID] = r
	}
	return byID
}

// listed checks the IDs of the records of alice.
func (s *sessions) listed(when string, ids ...string) {
	s.Helper()
	got := s.list("alice")
	for _, id := range ids {
		if _, ok := got[id]; !ok || len(got) != len(ids) {
			s.Errorf("%s: %d records, want those of %q", when, len(got), ids)
			return
		}
	}
}

// same compares what a store has with what it is to have. Both are in UTC.
func (s *sessions) same(when string, got, want stores.SessionRecord) {
	s.Helper()
	if show := fmt.Sprintf; show("%+v", got) != show("%+v", want) || !reflect.DeepEqual(utc(got), utc(want)) {
		s.Errorf("%s: record\n%+v, want\n%+v", when, got, want)
	}
}

func utc(r stores.SessionRecord) stores.SessionRecord {
	for _, at := range []*time.Time{&r.Issued, &r.Expires, &r.End, &r.Created, &r.Seen, &r.GraceEnd, &r.Ended} {
		*at = at.UTC()
	}
	return r
}

func checkAdded(s *sessions) {
	s.listed("at first")
	a := s.begin(s.record("a"))
	a.Seen = a.Created
	s.same("added", s.list("alice")["a"], a)
	s.clock.Advance(1500 * time.Microsecond)
	bare := stores.SessionRecord{ID: "b", Subject: "alice", Live: "b-first", Generation: stores.NoGeneration}
	bare = s.begin(bare)
	bare.Seen = bare.Created
	s.same("with nothing in it", s.list("alice")["b"], bare)
	s.listed("two", "b", "a")
	if there, err := s.kept.RemoveSession(s.Context(), "alice", "a"); !there || err != nil {
		s.Errorf("RemoveSession = %v, %v; want true", there, err)
	}
	if there, err := s.kept.RemoveSession(s.Context(), "alice", "a"); there || err != nil {
		s.Errorf("RemoveSession again = %v, %v; want false", there, err)
	}
	s.listed("one removed", "b")
}

// checkRotation: a token is rotated once, and its successor follows from it alone.
func checkRotation(s *sessions) {
	a := s.begin(s.record("a"))
	id := a.Live
	for i := range 5 {
		s.clock.Advance(time.Hour + 1234*time.Millisecond)
		got := s.rotate(a, id, stores.SessionRotated, fmt.Sprint("rotation ", i))
		a.Live, a.Issued, a.Seen = storekit.Successor("a", id), s.clock.Now().Truncate(time.Second), s.clock.Now()
		a.Expires, a.GraceEnd = a.Issued.Add(testIdle), s.clock.Now().Add(testGrace)
		s.same("rotated", got, a)
		s.same("rotated, in the list", s.list("alice")["a"], a)
		id = a.Live
	}
}

// checkLifetimes: no token lives longer than the session.
func checkLifetimes(s *sessions) {
	now := s.clock.Now().Truncate(time.Second)
	for _, tt := range []struct {
		name string
		idle time.Duration
		end  time.Time
		want time.Time
	}{
		{"idle", time.Hour, time.Time{}, now.Add(time.Hour)},
		{"idle before the end", time.Hour, now.Add(2 * time.Hour), now.Add(time.Hour)},
		{"the end before idle", 3 * time.Hour, now.Add(2 * time.Hour), now.Add(2 * time.Hour)},
		{"the end alone", 0, now.Add(2 * time.Hour), now.Add(2 * time.Hour)},
		{"none", 0, time.Time{}, time.Time{}},
	} {
		r := s.record(tt.name)
		r.Idle, r.End = tt.idle, tt.end
		s.begin(r)
		if got := s.rotate(r, r.Live, stores.SessionRotated, tt.name); !got.Expires.Equal(tt.want) {
			s.Errorf("%s: the successor expires at %v, want %v", tt.name, got.Expires, tt.want)
		}
	}
}

// checkGrace: the grace period is fixed at the rotation, and there is one rotation in it.
func checkGrace(s *sessions) {
	a := s.begin(s.record("a"))
	live := s.rotate(a, a.Live, stores.SessionRotated, "first")
	for range 4 {
		s.same("the parent in the grace period", s.rotate(a, a.Live, stores.SessionReplayed, "the parent"), live)
		s.same("the live token in the grace period", s.rotate(a, live.Live, stores.SessionUnchanged, "the live token"), live)
		s.clock.Advance(testGrace/4 - time.Millisecond)
	}
	s.same("the parent, at its end", s.rotate(a, a.Live, stores.SessionReplayed, "at its end"), live)
	s.clock.Set(live.GraceEnd)
	next := s.rotate(a, live.Live, stores.SessionRotated, "the live token, after the grace period")
	s.same("the new parent", s.rotate(a, live.Live, stores.SessionReplayed, "the new parent"), next)
	s.clock.Set(next.GraceEnd)
	s.rotate(a, live.Live, stores.SessionReused, "the parent, after the grace period")
}

// checkReuse: reuse ends the session, and one call does it.
func checkReuse(s *sessions) {
	for name, present := range map[string]func(r stores.SessionRecord) string{
		"the grandparent, in the grace period":    func(r stores.SessionRecord) string { return r.Live },
		"a token that never was, in the grace":    func(stores.SessionRecord) string { return "other" },
		"the live token of another session, same": func(stores.SessionRecord) string { return "another session-first" },
		"the live token, and more after a NUL": func(r stores.SessionRecord) string {
			return storekit.Successor(r.ID, storekit.Successor(r.ID, r.Live)) + "\x000"
		},
	} {
		r := s.begin(s.record(name))
		second := s.rotate(r, r.Live, stores.SessionRotated, "first")
		s.clock.Advance(testGrace)
		third := s.rotate(r, second.Live, stores.SessionRotated, "second")
		s.clock.Advance(time.Second)
		got := s.rotate(r, present(r), stores.SessionReused, name)
		want := third
		want.Ended = s.clock.Now()
		s.same(name, got, want)
		s.same("listed until it is removed", s.list("alice")[name], want)
		for _, id := range []string{third.Live, second.Live, r.Live, "other"} {
			s.same("ended", s.rotate(r, id, stores.SessionEnded, "after reuse"), want)
		}
		removed, err := s.kept.RemoveSession(s.Context(), "alice", name)
		if !removed || err != nil {
			s.Errorf("RemoveSession = %v, %v", removed, err)
		}
		s.rotate(r, third.Live, stores.SessionGone, "removed")
	}
	s.listed("all removed")
}

// checkLost: a failover may lose up to eight rotations. The token of the client that
// had the last one becomes the live one, is not rotated in that step, and has a grace period.
func checkLost(s *sessions) {
	for lost := 1; lost <= 8; lost++ {
		r := s.begin(s.record(fmt.Sprint("lost ", lost)))
		id, parent := r.Live, ""
		for range lost {
			parent, id = id, storekit.Successor(r.ID, id)
		}
		s.clock.Advance(time.Minute)
		mine := r
		mine.Issued, mine.Expires = r.Issued.Add(30*time.Second), r.Expires.Add(30*time.Second)
		got := s.rotate(mine, id, stores.SessionAdopted, r.ID)
		mine.Live, mine.Seen, mine.GraceEnd = id, s.clock.Now(), s.clock.Now().Add(testGrace)
		s.same("adopted", got, mine)
		s.same("the parent of the adopted one", s.rotate(r, parent, stores.SessionReplayed, "its parent"), mine)
		s.same("the adopted one again", s.rotate(r, id, stores.SessionUnchanged, "again"), mine)
		s.clock.Advance(testGrace)
		s.rotate(r, id, stores.SessionRotated, "the adopted one, later")
	}
	r := s.begin(s.record("lost too many"))
	id := r.Live
	for range 9 {
		id = storekit.Successor(r.ID, id)
	}
	s.rotate(r, id, stores.SessionReused, "nine rotations on")
}

// checkNoRecord: a rotation changes a record, and never makes one.
func checkNoRecord(s *sessions) {
	r := s.record("a")
	s.rotate(r, r.Live, stores.SessionGone, "no record")
	for _, id := range []string{"a\x00", "\xff", strings.Repeat("k", 1000)} { // which no record can have
		tok := &gate.Token{ID: r.Live, Subject: "alice", SessionID: id, IssuedAt: r.Issued, Expiry: r.Expires, Type: gate.Refresh}
		out, err := s.kept.Rotate(s.Context(), stores.Rotation{Token: tok, Grace: testGrace})
		if s.ok(err, "Rotate"); out.Outcome != stores.SessionGone {
			s.Errorf("Rotate in the session %.9q = %v, want SessionGone", id, out.Outcome)
		}
		if there, err := s.kept.RemoveSession(s.Context(), "alice", id); there || err != nil {
			s.Errorf("RemoveSession(%.9q) = %v, %v; want false", id, there, err)
		}
	}
	s.begin(r)
	other := r
	other.Subject = "bob"
	s.rotate(other, r.Live, stores.SessionGone, "the session of somebody else")
	if there, err := s.kept.RemoveSession(s.Context(), "bob", "a"); there || err != nil {
		s.Errorf("RemoveSession of somebody else's = %v, %v; want false", there, err)
	}
	s.listed("still there", "a")
	if list := s.list("bob"); len(list) != 0 {
		s.Errorf("a rotation has made records: %v", list)
	}
}

// checkRecordTime: a record goes at the end of the session, or when its token has
// expired for longer than the leeway.
func checkRecordTime(s *sessions) {
	short, idle := s.record("short"), s.record("idle")
	short.End = s.clock.Now().Add(time.Minute)
	idle.Expires = s.clock.Now().Add(time.Minute)
	s.begin(short)
	s.begin(idle)
	s.clock.Advance(time.Minute - time.Millisecond)
	s.listed("before", "short", "idle")
	s.clock.Advance(time.Millisecond)
	s.listed("at the end of one", "idle")
	s.rotate(short, short.Live, stores.SessionGone, "at the end")
	s.rotate(short, "older", stores.SessionGone, "an older one at the end: no reuse")
	s.clock.Advance(storekit.DefaultLeeway - time.Millisecond)
	s.listed("within the leeway", "idle")
	s.clock.Advance(time.Millisecond)
	s.listed("after the leeway")
	s.rotate(idle, idle.Live, stores.SessionGone, "after the leeway")
}
