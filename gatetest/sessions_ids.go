package gatetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// checkSessionIDs: what cannot be kept is refused, and everything else is kept exactly.
func checkSessionIDs(s *sessions) {
	good := []string{"x", "X", "x ", " x", "x\n", "é", "e\u0301", "'; --", "a:b{c}", "%s", "日本", strings.Repeat("k", 128), "\u001f", "\t"}
	for _, id := range good {
		r := s.record(id)
		r.Live = id
		s.begin(r)
	}
	s.listed("all kinds", good...)
	for _, id := range good {
		r := s.record(id)
		s.rotate(r, id, stores.SessionRotated, fmt.Sprintf("%q", id))
	}
	for _, id := range []string{"", strings.Repeat("k", 129), "a\x00b", "\xff"} {
		asID, asLive := s.record(id), s.record("y")
		asLive.Live = id
		for _, r := range []stores.SessionRecord{asID, asLive} {
			if _, err := s.kept.AddSession(s.Context(), r, stores.SessionLimit{}); !errors.Is(err, stores.ErrSessionID) {
				s.Errorf("AddSession(%.20q, %.20q): error = %v, want ErrSessionID", r.ID, r.Live, err)
			}
		}
	}
	nobody, twice := s.record("z"), s.record("x")
	nobody.Subject = ""
	if _, err := s.kept.AddSession(s.Context(), nobody, stores.SessionLimit{}); !errors.Is(err, stores.ErrNoID) {
		s.Errorf("AddSession of nobody: error = %v, want ErrNoID", err)
	}
	if _, err := s.kept.AddSession(s.Context(), twice, stores.SessionLimit{}); !errors.Is(err, stores.ErrSessionID) {
		s.Errorf("AddSession of an ID that is there: error = %v, want ErrSessionID", err)
	}
	r := s.record("x")
	for name, tok := range map[string]*gate.Token{
		"nil": nil, "no jti": {SessionID: r.ID, Subject: "alice"}, "no session": {ID: "a", Subject: "alice"}, "no subject": {ID: "a", SessionID: "x"},
	} {
		if _, err := s.kept.Rotate(s.Context(), stores.Rotation{Token: tok}); !errors.Is(err, stores.ErrNoID) {
			s.Errorf("Rotate(%s): error = %v, want ErrNoID", name, err)
		}
	}
	s.listed("afterwards", good...)
}

// checkSubjectsApart: one ID may be a session of two subjects.
func checkSubjectsApart(s *sessions) {
	a, b := s.record("x"), s.record("x")
	b.Subject = "bob"
	s.begin(a)
	s.begin(b)
	s.rotate(a, a.Live, stores.SessionRotated, "alice's")
	s.rotate(b, b.Live, stores.SessionRotated, "bob's")
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.ok(s.kept.RemoveRevoked(s.Context(), "alice"), "RemoveRevoked")
	s.rotate(b, b.Live, stores.SessionReplayed, "bob's, alice revoked")
	if list := s.list("bob"); len(list) != 1 {
		s.Errorf("bob has %d sessions, want 1", len(list))
	}
}

func checkDevice(s *sessions) {
	a := s.record("a")
	a.Device = stores.Device{Name: strings.Repeat("ä", 200), UserAgent: "x\x00y", Address: "\xff|;'\"\\"}
	s.begin(a)
	want := stores.Device{Name: strings.Repeat("ä", 128), UserAgent: "xy", Address: "?|;'\"\\"}
	if got := s.list("alice")["a"].Device; got != want {
		s.Errorf("device = %+v, want %+v", got, want)
	}
	got := s.rotate(a, a.Live, stores.SessionRotated, "without a device")
	if got.Device != want {
		s.Errorf("device after a rotation without one = %+v", got.Device)
	}
	s.clock.Advance(testGrace)
	other := stores.Device{Name: "phone"}
	out, err := s.kept.Rotate(s.Context(), stores.Rotation{Token: s.refreshToken(a, got.Live), Grace: testGrace, Device: &other})
	s.ok(err, "Rotate")
	if out.Session.Device != other || s.list("alice")["a"].Device != other {
		s.Errorf("device after a rotation with another = %+v", out.Session.Device)
	}
}

func checkSessionContexts(s *sessions) {
	a := s.begin(s.record("a"))
	cancelled, cancel := context.WithCancel(s.Context())
	cancel()
	_, errAdd := s.kept.AddSession(cancelled, s.record("b"), stores.SessionLimit{})
	_, errRotate := s.kept.Rotate(cancelled, stores.Rotation{Token: s.refreshToken(a, a.Live)})
	_, errList := s.kept.Sessions(cancelled, "alice")
	_, errRemove := s.kept.RemoveSession(cancelled, "alice", "a")
	for name, err := range map[string]error{
		"AddSession": errAdd, "Rotate": errRotate, "Sessions": errList, "RemoveSession": errRemove, "RemoveRevoked": s.kept.RemoveRevoked(cancelled, "alice"),
	} {
		if err == nil {
			s.Errorf("%s with a cancelled context: no error", name)
		}
	}
	s.listed("nothing has changed", "a")
	s.rotate(a, a.Live, stores.SessionRotated, "nothing has changed")
	for name, err := range map[string]error{
		"Sessions": second(s.kept.Sessions(s.Context(), "")), "RemoveSession": second(s.kept.RemoveSession(s.Context(), "", "a")),
		"RemoveRevoked": s.kept.RemoveRevoked(s.Context(), ""),
	} {
		if !errors.Is(err, stores.ErrNoID) {
			s.Errorf("%s of nobody: error = %v, want ErrNoID", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
