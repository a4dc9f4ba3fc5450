package gatetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// clients is how many act at once.
const clients = 16

// atOnce presents a token many times at once, and returns how often each outcome came.
// All that go on with the session are given the same token.
func (s *sessions) atOnce(tok *gate.Token) map[stores.Outcome]int {
	s.Helper()
	var mu sync.Mutex
	var given *stores.SessionRecord
	outcomes := map[stores.Outcome]int{}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			out, err := s.kept.Rotate(s.Context(), stores.Rotation{Token: tok, Grace: testGrace})
			s.check(err)
			mu.Lock()
			defer mu.Unlock()
			outcomes[out.Outcome]++
			if out.Outcome > stores.SessionAdopted {
				return
			}
			r := out.Session
			if given == nil {
				given = &r
			}
			if r.Live != given.Live || !r.Issued.Equal(given.Issued) || !r.Expires.Equal(given.Expires) {
				s.Errorf("at once: one client is given %s, issued at %v, and another one %s, issued at %v", given.Live, given.Issued, r.Live, r.Issued)
			}
		})
	}
	wg.Wait()
	return outcomes
}

func (s *sessions) outcomes(got map[stores.Outcome]int, when string, want map[stores.Outcome]int) {
	s.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("%s: outcomes %v, want %v", when, got, want)
	}
}

// checkRotationsAtOnce: of many that present a token one rotates it, and all are given
// its successor.
func checkRotationsAtOnce(s *sessions) {
	a := s.begin(s.record("a"))
	id := a.Live
	for i := range 8 {
		got := s.atOnce(s.refreshToken(a, id))
		s.outcomes(got, fmt.Sprint("round ", i), map[stores.Outcome]int{stores.SessionRotated: 1, stores.SessionReplayed: clients - 1})
		id = storekit.Successor(a.ID, id)
		s.clock.Advance(testGrace)
	}
}

// checkReuseAtOnce: one call ends the session, and the others are told that it is.
func checkReuseAtOnce(s *sessions) {
	for i := range 8 {
		r := s.begin(s.record(fmt.Sprint("session ", i)))
		got := s.atOnce(s.refreshToken(r, "older"))
		s.outcomes(got, r.ID, map[stores.Outcome]int{stores.SessionReused: 1, stores.SessionEnded: clients - 1})
	}
	s.clock.Advance(time.Minute)
	r := s.begin(s.record("lost one"))
	got := s.atOnce(s.refreshToken(r, storekit.Successor(r.ID, r.Live)))
	s.outcomes(got, r.ID, map[stores.Outcome]int{stores.SessionAdopted: 1, stores.SessionUnchanged: clients - 1})
}

// checkRemoveAtOnce: no rotation brings a record back.
func checkRemoveAtOnce(s *sessions) {
	for i := range 20 {
		r := s.begin(s.record(fmt.Sprint("session ", i)))
		tok := s.refreshToken(r, r.Live)
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				_, err := s.kept.Rotate(s.Context(), stores.Rotation{Token: tok, Grace: testGrace})
				s.check(err)
			})
		}
		_, err := s.kept.RemoveSession(s.Context(), "alice", r.ID)
		s.check(err)
		wg.Wait()
		s.listed("removed while it was rotated")
	}
}

// checkRevokeAtOnce: once RevokeSubject has returned no rotation begins to succeed.
func checkRevokeAtOnce(s *sessions) {
	for i := range 10 {
		r := s.login(fmt.Sprint("session ", i))
		tok := s.refreshToken(r, r.Live)
		var wg sync.WaitGroup
		for range clients / 2 {
			wg.Go(func() {
				for range 3 {
					_, err := s.kept.Rotate(s.Context(), stores.Rotation{Token: tok, Grace: testGrace})
					s.check(err)
				}
			})
		}
		s.check(s.store.RevokeSubject(s.Context(), "alice", stores.SubjectOptions{}, s.note))
		s.rotate(r, r.Live, stores.SessionRevoked, "after the return")
		wg.Wait()
		s.listed("revoked")
	}
}

// checkAddAtOnce: when all calls have returned there are not more than Max.
func checkAddAtOnce(s *sessions) {
	for _, evict := range []bool{false, true} {
		var wg sync.WaitGroup
		subject := fmt.Sprint("alice, evict ", evict)
		for i := range clients {
			wg.Go(func() {
				r := s.record(fmt.Sprint("session ", i))
				r.Subject = subject
				_, err := s.kept.AddSession(s.Context(), r, stores.SessionLimit{Max: 3, Evict: evict})
				if err != nil && (evict || !errors.Is(err, stores.ErrTooManySessions)) {
					s.Errorf("AddSession: %v", err)
				}
			})
		}
		wg.Wait()
		open := 0
		for _, r := range s.list(subject) {
			if r.Ended.IsZero() {
				open++
			}
		}
		if open > 3 || evict && open < 3 {
			s.Errorf("evict %v: %d sessions, want 3", evict, open)
		}
	}
}

// checkAnyOrder does what comes to hand, in an order drawn at random, and compares every
// outcome and record with what storekit.Rotate makes of the same.
func checkAnyOrder(s *sessions) {
	seed := rand.Uint64()
	defer func() {
		if s.Failed() {
			s.Logf("seed %d", seed)
		}
	}()
	rnd := rand.New(rand.NewPCG(seed, 0))
	m := model{sessions: s, rnd: rnd, records: map[string]stores.SessionRecord{}}
	for i := range 300 {
		if m.step(i); s.Failed() {
			return
		}
	}
}

// model is what a store has to do.
type model struct {
	*sessions
	rnd     *rand.Rand
	records map[string]stores.SessionRecord
	tokens  []*gate.Token // all that there ever were
	revoked storekit.SubjectRecord
}

func (m *model) step(i int) {
	switch n := m.rnd.IntN(20); {
	case n < 2 || len(m.tokens) == 0:
		r := m.record(fmt.Sprint("session ", i))
		r.Idle, r.End = time.Duration(m.rnd.IntN(90))*time.Second, m.clock.Now().Truncate(time.Second).Add(time.Duration(20+m.rnd.IntN(200))*time.Second)
		r.Generation = m.generation("alice")
		r = m.begin(r)
		r.Seen = r.Created
		m.records[r.ID], m.tokens = r, append(m.tokens, m.refreshToken(r, r.Live))
	case n == 2:
		id := m.tokens[m.rnd.IntN(len(m.tokens))].SessionID
		there, err := m.kept.RemoveSession(m.Context(), "alice", id)
		m.ok(err, "RemoveSession")
		if _, want := m.find(id); there != want {
			m.Errorf("RemoveSession(%s) = %v, want %v", id, there, want)
		}
		delete(m.records, id)
	case n == 3 && m.rnd.IntN(4) == 0:
		o := stores.SubjectOptions{ExceptSession: m.tokens[m.rnd.IntN(len(m.tokens))].SessionID}
		m.revokeSubject("alice", o)
		m.revoked = m.revoked.Revoke(storekit.Keep{}.SubjectChange(o, m.clock.Now(), ""), m.generation("alice"))
	case n < 12:
		m.clock.Advance(time.Duration(m.rnd.IntN(12_000_000)) * time.Microsecond)
	default:
		m.present(m.tokens[max(len(m.tokens)-1-m.rnd.IntN(8), 0)])
	}
}

// find returns the record of a session that is not over.
func (m *model) find(id string) (stores.SessionRecord, bool) {
	r, ok := m.records[id]
	keep := storekit.Keep{Leeway: storekit.DefaultLeeway}
	return r, ok && !keep.SessionOver(r, m.clock.Now())
}

func (m *model) present(tok *gate.Token) {
	request := stores.Rotation{Token: tok, Grace: testGrace}
	want := stores.Rotated{Outcome: stores.SessionGone}
	if r, ok := m.find(tok.SessionID); ok {
		changed := false
		covered := m.revoked.CoversSession(r, storekit.HashID(stores.Session, "", r.ID))
		want, changed = storekit.Rotate(r, request, covered, m.clock.Now())
		if changed {
			m.records[r.ID] = want.Session
		}
	}
	got, err := m.kept.Rotate(m.Context(), request)
	m.ok(err, "Rotate")
	if got.Outcome != want.Outcome {
		m.Errorf("Rotate(%s of %s): outcome %d, want %d", tok.ID, tok.SessionID, got.Outcome, want.Outcome)
	}
	m.same(fmt.Sprint("outcome ", want.Outcome), got.Session, want.Session)
	if got.Outcome == stores.SessionRotated {
		m.tokens = append(m.tokens, m.refreshToken(got.Session, got.Session.Live))
	}
}
