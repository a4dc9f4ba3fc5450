package gatemem_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// reread returns a store with the snapshot of s.
func reread(t *testing.T, s *gatemem.Store, o gatemem.Options) *gatemem.Store {
	t.Helper()
	var file bytes.Buffer
	if err := s.Snapshot(&file); err != nil {
		t.Fatal(err)
	}
	r, err := gatemem.Read(&file, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// records are sessions in which every field has a value, and none.
func records(c *gatetest.Clock) []stores.SessionRecord {
	now := c.Now().Truncate(time.Second)
	return []stores.SessionRecord{
		{
			ID: "full", Subject: "alice", Live: "full 1", Issued: now, Expires: now.Add(time.Hour), Generation: 1 << 50, Idle: time.Hour,
			End: now.Add(24 * time.Hour), Remember: true, Device: stores.Device{Name: "Firefox", UserAgent: "Mozilla/5.0", Address: "192.0.2.1"},
		},
		{ID: "bare", Subject: "alice", Live: "bare 1", Generation: stores.NoGeneration},
		{ID: "others", Subject: "bob \x00\xff", Live: "others 1", Issued: now, Expires: now.Add(time.Hour)},
	}
}

func TestSnapshotSessions(t *testing.T) {
	c := gatetest.NewClock()
	o := gatemem.Options{Clock: c.Now, Scope: stores.NewScope("a")}
	s := newStore(t, o)
	for _, r := range records(c) {
		if _, err := s.AddSession(t.Context(), r, stores.SessionLimit{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Second + time.Microsecond)
	}
	rotation := stores.Rotation{Grace: 10 * time.Second, Token: &gate.Token{ID: "full 1", SessionID: "full", Subject: "alice", IssuedAt: c.Now(), Type: gate.Refresh}}
	first, err := s.Rotate(t.Context(), rotation)
	if err != nil || first.Outcome != stores.SessionRotated {
		t.Fatalf("Rotate = %v, %v", first.Outcome, err)
	}
	reused := stores.Rotation{Grace: time.Second, Token: &gate.Token{ID: "unknown", SessionID: "bare", Subject: "alice", IssuedAt: c.Now(), Type: gate.Refresh}}
	if out, err := s.Rotate(t.Context(), reused); err != nil || out.Outcome != stores.SessionReused {
		t.Fatalf("Rotate = %v, %v", out.Outcome, err)
	}
	r := reread(t, s, o)
	for _, subject := range []string{"alice", "bob \x00\xff", "carol"} {
		want, err1 := s.Sessions(t.Context(), subject)
		got, err2 := r.Sessions(t.Context(), subject)
		if err := errors.Join(err1, err2); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("sessions of %q: %+v, %v; want %+v", subject, got, err, want)
		}
	}
	again, err := r.Rotate(t.Context(), rotation)
	if err != nil || again.Outcome != stores.SessionReplayed || again.Session.Live != first.Session.Live {
		t.Errorf("the same token after a restart: outcome %v, %q, %v; want %q again", again.Outcome, again.Session.Live, err, first.Session.Live)
	}
	rotation.Token.ID = first.Session.Live
	c.Advance(time.Minute)
	if out, err := r.Rotate(t.Context(), rotation); err != nil || out.Outcome != stores.SessionRotated {
		t.Errorf("the next token after a restart: outcome %v, %v", out.Outcome, err)
	}
}

// TestSnapshotEndedSessions: no session comes back that has expired or was ended.
func TestSnapshotEndedSessions(t *testing.T) {
	c := gatetest.NewClock()
	o := gatemem.Options{Clock: c.Now}
	s := newStore(t, o)
	for _, r := range records(c) {
		if _, err := s.AddSession(t.Context(), r, stores.SessionLimit{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{ExceptSession: "bare"}, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	if list, err := reread(t, s, o).Sessions(t.Context(), "alice"); err != nil || len(list) != 1 || list[0].ID != "bare" {
		t.Errorf("sessions after RevokeSubject = %v, %v; want the spared one", list, err)
	}
	if list, err := reread(t, s, o).Sessions(t.Context(), "bob \x00\xff"); err != nil || len(list) != 1 {
		t.Errorf("sessions of another subject = %v, %v; want 1", list, err)
	}
	c.Advance(2 * time.Hour)
	if list, err := reread(t, s, o).Sessions(t.Context(), "bob \x00\xff"); err != nil || len(list) != 0 {
		t.Errorf("sessions after their time = %v, %v; want none", list, err)
	}
}

// TestSnapshotOfVersion2: it was written by the version of this package that kept no
// session records.
func TestSnapshotOfVersion2(t *testing.T) {
	c := gatetest.NewClock()
	c.Set(time.Date(2026, 1, 1, 0, 0, 10, 0, time.UTC))
	s, err := gatemem.Load("testdata/version2.snapshot", gatemem.Options{Clock: c.Now, Scope: stores.NewScope("a")})
	if err != nil {
		t.Fatal(err)
	}
	token := func(id, session, subject string) *gate.Token {
		return &gate.Token{ID: id, SessionID: session, Subject: subject, Type: gate.Access, IssuedAt: c.Now().Add(-time.Minute), Expiry: c.Now().Add(time.Minute)}
	}
	for _, tt := range []struct {
		token *gate.Token
		want  bool
	}{
		{token("old", "", ""), true}, {token("a", "old session", ""), true}, {token("b", "", "bob"), true},
		{token("c", "mine", "bob"), false}, {token("new", "", ""), false},
	} {
		wantBlocked(t, s, tt.token, tt.want)
	}
	if _, err := s.AddSession(t.Context(), records(c)[0], stores.SessionLimit{}); err != nil {
		t.Fatal(err)
	}
	if list, err := reread(t, s, gatemem.Options{Clock: c.Now, Scope: stores.NewScope("a")}).Sessions(t.Context(), "alice"); err != nil || len(list) != 1 {
		t.Errorf("sessions = %v, %v; want the new one", list, err)
	}
}
