package gatetest

import (
	"errors"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Blocklist runs the suite that every store of revoked tokens passes, best under
// -race. newStore returns an empty store that uses clock, has the default Leeway
// ([storekit.DefaultLeeway]) and MaxLifetime ([storekit.DefaultMaxLifetime]) and,
// where that is an option, trusts tokens issued before the store was made. It closes
// what it opens with t.Cleanup. Optional interfaces, such as stores.Lister or
// gate.GenerationReader, are tested where the store has them.
func Blocklist(t *testing.T, newStore func(t *testing.T, clock func() time.Time) stores.Store) {
	for _, check := range blocklistChecks {
		t.Run(check.name, func(t *testing.T) {
			c := NewClock()
			check.run(&suite{T: t, clock: c, store: newStore(t, c.Now), note: stores.Note{By: "admin", Why: "stolen phone"}})
		})
	}
}

// blocklistChecks are the checks of [Blocklist], in the order in which they run.
var blocklistChecks = []struct {
	name string
	run  func(*suite)
}{
	{"empty store", checkEmpty},
	{"token", checkToken},
	{"token without expiry", checkForever},
	{"token past its time", checkPast},
	{"token revoked twice", checkTwice},
	{"token and what was renewed from it", checkRenewed},
	{"session", checkSession},
	{"no identifier", checkNoID},
	{"undo", checkUndo},
	{"undo leaves the rest", checkUndoApart},
	{"kinds are apart", checkKinds},
	{"lifetime", checkLifetime},
	{"clock going back", checkClockBack},
	{"subject", checkSubject},
	{"subject: instants", checkInstants},
	{"subject: except a session", checkExcept},
	{"subject: nothing comes back", checkUnion},
	{"subject: lives long enough", checkSubjectLife},
	{"subject: at once", checkSubjectAtOnce},
	{"generation", checkGeneration},
	{"generation: clocks", checkGenerationClocks},
	{"generation: except a session", checkGenerationExcept},
	{"generation: above the record", checkGenerationAbove},
	{"generation: at once", checkGenerationAtOnce},
	{"asked directly", checkDirect},
	{"identities", checkIdentities},
	{"issuers", checkIssuers},
	{"redeem", checkRedeem},
	{"redeem at once", checkRedeemAtOnce},
	{"revoke all", checkRevokeAll},
	{"revoke all: generation", checkRevokeAllGeneration},
	{"generations of other issuers", checkOtherGenerations},
	{"batch", checkBatch},
	{"inspect", checkInspect},
	{"ready", checkReady},
	{"memory", checkRecall},
	{"identifiers", checkIdentifiers},
	{"notes", checkNotes},
	{"contexts", checkContexts},
	{"at once", checkAtOnce},
	{"seen by others", checkSeen},
	{"list", checkList},
	{"list in pages", checkPages},
}

// suite is one check at work.
type suite struct {
	*testing.T
	clock *Clock
	store stores.Store
	note  stores.Note
}

// token is NewToken by the suite's clock.
func (s *suite) token(id string) *gate.Token { return NewToken(s.clock, id) }

// want checks the verdict on a token.
func (s *suite) want(blocked bool, tok *gate.Token, when string) {
	s.Helper()
	got, err := s.store.Blocked(s.Context(), tok)
	if err != nil {
		s.Fatalf("%s: Blocked: %v", when, err)
	}
	if got != blocked {
		s.Errorf("%s: Blocked = %v, want %v", when, got, blocked)
	}
}

// forgotten checks that a store refuses to answer for a token whose entry may be gone.
func (s *suite) forgotten(tok *gate.Token, when string) {
	s.Helper()
	if got, err := s.store.Blocked(s.Context(), tok); !errors.Is(err, stores.ErrForgotten) {
		s.Errorf("%s: Blocked = %v, %v; want ErrForgotten", when, got, err)
	}
}

// longer is the same token with a later expiry.
func longer(tok *gate.Token, by time.Duration) *gate.Token {
	c := *tok
	c.Expiry = tok.Expiry.Add(by)
	return &c
}

// ok stops at an error.
func (s *suite) ok(err error, what string) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
}

func (s *suite) revoke(tok *gate.Token) {
	s.Helper()
	s.ok(s.store.RevokeToken(s.Context(), tok, s.note), "RevokeToken")
}

func (s *suite) revokeSession(id string) {
	s.Helper()
	s.ok(s.store.RevokeSession(s.Context(), id, s.note), "RevokeSession")
}

func (s *suite) revokeSubject(subject string, o stores.SubjectOptions) {
	s.Helper()
	s.ok(s.store.RevokeSubject(s.Context(), subject, o, s.note), "RevokeSubject")
}

func checkEmpty(s *suite) {
	s.want(false, s.token("a"), "empty store")
	s.want(false, &gate.Token{Type: gate.Access}, "token with nothing in it")
}

// checkToken: an entry covers its token, and no other, until expiry plus leeway.
func checkToken(s *suite) {
	a, b := s.token("a"), s.token("b")
	s.revoke(a)
	s.want(true, a, "after revoking")
	s.want(false, b, "another token")
	s.clock.Set(a.Expiry)
	s.want(true, a, "at its expiry")
	s.clock.Set(a.Expiry.Add(storekit.DefaultLeeway - time.Millisecond))
	s.want(true, a, "within the leeway")
	s.clock.Set(a.Expiry.Add(storekit.DefaultLeeway))
	s.forgotten(a, "after expiry and leeway")
	s.want(false, longer(a, time.Hour), "the same jti with a later expiry: the entry is gone")
}

func checkForever(s *suite) {
	a := s.token("a")
	a.Expiry, a.Subject, a.SessionID = time.Time{}, "", ""
	s.revoke(a)
	for _, years := range []int{0, 1, 100} {
		s.clock.Set(NewClock().Now().AddDate(years, 0, 0))
		s.want(true, a, "revoked for ever")
	}
}

func checkPast(s *suite) {
	a := s.token("a")
	s.clock.Set(a.Expiry.Add(storekit.DefaultLeeway))
	s.forgotten(a, "past its time")
	s.revoke(a)
	s.forgotten(a, "revoked when it was past its time")
	s.want(false, longer(a, time.Hour), "the same jti: nothing was written")
}

// checkTwice: the longer life counts, whatever the order.
func checkTwice(s *suite) {
	for _, first := range []time.Duration{time.Minute, time.Hour} {
		long := s.token("of " + first.String())
		short := *long
		short.Expiry = s.clock.Now().Add(time.Minute)
		long.Expiry = s.clock.Now().Add(time.Hour)
		if first == time.Minute {
			s.revoke(&short)
			s.revoke(long)
		} else {
			s.revoke(long)
			s.revoke(&short)
		}
		s.clock.Set(long.Expiry.Add(storekit.DefaultLeeway - time.Second))
		s.want(true, long, "revoked with two expiries, the first in "+first.String())
		s.clock.Advance(time.Second)
		s.want(false, longer(long, time.Hour), "after the longer one")
	}
}

// checkSession: a session is revoked with all its tokens, those of later included.
func checkSession(s *suite) {
	now, other := s.token("a"), s.token("b")
	later := s.token("c")
	later.SessionID, later.IssuedAt = now.SessionID, now.IssuedAt.Add(time.Hour)
	s.revokeSession(now.SessionID)
	s.want(true, now, "token of the session")
	s.want(true, later, "later token of the session")
	s.want(false, other, "token of another session")
	current := func() *gate.Token {
		tok := s.token("d")
		tok.SessionID = now.SessionID
		return tok
	}
	s.clock.Advance(storekit.DefaultMaxLifetime + storekit.DefaultLeeway - time.Second)
	s.want(true, current(), "within MaxLifetime and leeway")
	s.revokeSession(now.SessionID)
	s.clock.Advance(time.Hour)
	s.want(true, current(), "revoked again")
	s.clock.Advance(storekit.DefaultMaxLifetime + storekit.DefaultLeeway - time.Hour)
	s.want(false, current(), "after MaxLifetime and leeway")
}

// checkNoID: there is nothing to revoke by, and nothing that matches nothing.
func checkNoID(s *suite) {
	ctx := s.Context()
	noID := s.token("")
	for name, err := range map[string]error{
		"RevokeToken without jti":  s.store.RevokeToken(ctx, noID, s.note),
		"RevokeSession of nothing": s.store.RevokeSession(ctx, "", s.note),
		"RevokeSubject of nothing": s.store.RevokeSubject(ctx, "", stores.SubjectOptions{}, s.note),
	} {
		if !errors.Is(err, stores.ErrNoID) {
			s.Errorf("%s: error = %v, want ErrNoID", name, err)
		}
	}
	s.ok(s.store.RestoreToken(ctx, ""), "RestoreToken of nothing")
	s.ok(s.store.RestoreSession(ctx, ""), "RestoreSession of nothing")
	s.ok(s.store.RestoreSubject(ctx, ""), "RestoreSubject of nothing")
	noID.SessionID, noID.Subject = "", ""
	s.want(false, noID, "token without any identifier")
	a := s.token("a")
	a.ID = ""
	s.revokeSession(a.SessionID)
	s.want(true, a, "token without jti, its session revoked")
}

func checkUndo(s *suite) {
	ctx, a := s.Context(), s.token("a")
	for _, step := range []struct {
		name    string
		revoke  func()
		restore func() error
	}{
		{"token", func() { s.revoke(a) }, func() error { return s.store.RestoreToken(ctx, a.ID) }},
		{"session", func() { s.revokeSession(a.SessionID) }, func() error { return s.store.RestoreSession(ctx, a.SessionID) }},
		{"subject", func() { s.revokeSubject(a.Subject, stores.SubjectOptions{}) }, func() error { return s.store.RestoreSubject(ctx, a.Subject) }},
	} {
		s.ok(step.restore(), "restoring a "+step.name+" that was not revoked")
		for range 2 {
			step.revoke()
			step.revoke()
			s.want(true, a, step.name+" revoked")
			s.ok(step.restore(), "restoring a "+step.name)
			s.want(false, a, step.name+" restored")
		}
	}
}

// checkUndoApart: undoing one revocation leaves the others in force.
func checkUndoApart(s *suite) {
	ctx, a := s.Context(), s.token("a")
	s.revoke(a)
	s.revokeSession(a.SessionID)
	s.revokeSubject(a.Subject, stores.SubjectOptions{})
	s.ok(s.store.RestoreToken(ctx, a.ID), "RestoreToken")
	s.want(true, a, "session and subject still revoked")
	s.ok(s.store.RestoreSession(ctx, a.SessionID), "RestoreSession")
	s.want(true, a, "subject still revoked")
	s.ok(s.store.RestoreSubject(ctx, a.Subject), "RestoreSubject")
	s.want(false, a, "nothing revoked")
	s.revoke(a)
	s.ok(s.store.RestoreToken(ctx, "b"), "RestoreToken of another")
	s.want(true, a, "another restored")
}

// checkKinds: the same text is another thing as a token, a session and a subject.
func checkKinds(s *suite) {
	asID, asSession, asSubject := s.token("x"), s.token("b"), s.token("c")
	asSession.SessionID, asSubject.Subject = "x", "x"
	revokers := []func(){
		func() { s.revoke(asID) },
		func() { s.revokeSession("x") },
		func() { s.revokeSubject("x", stores.SubjectOptions{}) },
	}
	tokens := []*gate.Token{asID, asSession, asSubject}
	for i, revoke := range revokers {
		revoke()
		for j, tok := range tokens {
			s.want(j <= i, tok, "the same text as another kind")
		}
	}
	s.ok(s.store.RestoreSession(s.Context(), "x"), "RestoreSession")
	s.want(true, asID, "the session of that name restored")
	s.want(false, asSession, "restored")
	s.want(true, asSubject, "the session of that name restored")
}
