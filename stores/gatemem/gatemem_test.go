package gatemem_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func newStore(t testing.TB, o gatemem.Options) *gatemem.Store {
	t.Helper()
	s, err := gatemem.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBlocklist(t *testing.T) {
	gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
		return newStore(t, gatemem.Options{Clock: clock})
	})
}

// TestBlocklistRestored runs the suite on stores that were read from a snapshot.
func TestBlocklistRestored(t *testing.T) {
	gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
		var file bytes.Buffer
		if err := newStore(t, gatemem.Options{Clock: clock}).Snapshot(&file); err != nil {
			t.Fatal(err)
		}
		s, err := gatemem.Read(&file, gatemem.Options{Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func revoke(t testing.TB, s stores.Store, c *gatetest.Clock, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.RevokeToken(context.Background(), gatetest.NewToken(c, id), stores.Note{}); err != nil {
			t.Fatalf("RevokeToken(%q): %v", id, err)
		}
	}
}

func wantBlocked(t testing.TB, s stores.Store, tok *gate.Token, want bool) {
	t.Helper()
	if got, err := s.Blocked(context.Background(), tok); got != want || err != nil {
		t.Errorf("Blocked(%v) = %v, %v; want %v", tok, got, err, want)
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]gatemem.Options{
		"MaxTokens":   {MaxTokens: -1},
		"Leeway":      {Leeway: -1},
		"MaxLifetime": {MaxLifetime: -1},
	} {
		if _, err := gatemem.New(o); err == nil {
			t.Errorf("New with a negative %s: no error", name)
		}
	}
	c := gatetest.NewClock()
	s := newStore(t, gatemem.Options{Clock: c.Now, MaxLifetime: gate.NoExpiry})
	if err := s.RevokeSession(t.Context(), "sid-a", stores.Note{}); err != nil {
		t.Fatal(err)
	}
	tok := gatetest.NewToken(c, "a")
	tok.Expiry = time.Time{}
	c.Advance(100 * 365 * 24 * time.Hour)
	wantBlocked(t, s, tok, true)
	tok.SessionID = "other"
	wantBlocked(t, s, tok, false)
}

// TestSince: a process that begins with nothing lets nothing in from before.
func TestSince(t *testing.T) {
	c := gatetest.NewClock()
	before, unknown := gatetest.NewToken(c, "before"), gatetest.NewToken(c, "unknown")
	unknown.IssuedAt = time.Time{}
	c.Advance(1500 * time.Millisecond)
	s := newStore(t, gatemem.Options{Clock: c.Now, Since: c.Now()})
	wantBlocked(t, s, before, true)
	wantBlocked(t, s, unknown, true)
	wantBlocked(t, s, gatetest.NewToken(c, "same second"), true)
	c.Advance(time.Second)
	wantBlocked(t, s, gatetest.NewToken(c, "next second"), false)
	open := newStore(t, gatemem.Options{Clock: c.Now})
	wantBlocked(t, open, before, false)
	wantBlocked(t, open, unknown, false)
}

// TestFull: a full store refuses, forgets nothing, and has space again with time.
func TestFull(t *testing.T) {
	const n = 500
	c := gatetest.NewClock()
	s := newStore(t, gatemem.Options{Clock: c.Now, MaxTokens: n})
	for i := range n {
		revoke(t, s, c, fmt.Sprint(i))
	}
	more := gatetest.NewToken(c, "one more")
	if err := s.RevokeToken(t.Context(), more, stores.Note{}); !errors.Is(err, stores.ErrFull) {
		t.Errorf("RevokeToken in a full store: error = %v, want ErrFull", err)
	}
	// Nobody can prevent the end of a session by filling the store.
	if err := s.RevokeSession(t.Context(), "s", stores.Note{}); err != nil {
		t.Errorf("RevokeSession in a full store: %v", err)
	}
	if err := s.RevokeSubject(t.Context(), "u", stores.SubjectOptions{}, stores.Note{}); err != nil {
		t.Errorf("RevokeSubject in a full store: %v", err)
	}
	for i := range n {
		wantBlocked(t, s, gatetest.NewToken(c, fmt.Sprint(i)), true)
	}
	longer := gatetest.NewToken(c, "7")
	longer.Expiry = longer.Expiry.Add(time.Hour)
	if err := s.RevokeToken(t.Context(), longer, stores.Note{}); err != nil {
		t.Errorf("revoking again in a full store: %v", err)
	}
	c.Advance(30 * time.Minute)
	wantBlocked(t, s, longer, true)
	revoke(t, s, c, "one more")
	if got := s.Len(); got != 4 {
		t.Errorf("Len = %d after all but two are past their time, want them, the session and the subject", got)
	}
}

// TestSweep: a store in use does not grow with what is past its time, without anybody
// asking for a clean-up, and gives memory back.
func TestSweep(t *testing.T) {
	c := gatetest.NewClock()
	s := newStore(t, gatemem.Options{Clock: c.Now})
	const perMinute = 2000
	for minute := range 120 {
		for i := range perMinute {
			revoke(t, s, c, fmt.Sprint(minute, "/", i))
		}
		c.Advance(time.Minute)
	}
	live := 20 * perMinute // 15 minutes and the leeway
	if got := s.Len(); got < live-perMinute || got > live*3/2 {
		t.Errorf("Len = %d after two hours, want about %d", got, live)
	}
	c.Advance(time.Hour)
	for i := range live {
		id := fmt.Sprint("later ", i)
		revoke(t, s, c, id)
		if err := s.RestoreToken(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Len(); got > live/100 {
		t.Errorf("Len = %d when all are past their time or undone, want next to none", got)
	}
}

func TestSubjectsAreSwept(t *testing.T) {
	c := gatetest.NewClock()
	s := newStore(t, gatemem.Options{Clock: c.Now, MaxLifetime: time.Hour})
	for i := range 1000 {
		if err := s.RevokeSubject(t.Context(), fmt.Sprint(i), stores.SubjectOptions{}, stores.Note{}); err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(2 * time.Hour)
	for range 1000 {
		if err := s.RevokeSubject(t.Context(), "one", stores.SubjectOptions{}, stores.Note{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Len(); got > 200 {
		t.Errorf("Len = %d, want most of 1000 past records gone", got)
	}
}

// TestNoGarbage: a check allocates nothing.
func TestNoGarbage(t *testing.T) {
	c := gatetest.NewClock()
	s := newStore(t, gatemem.Options{Clock: c.Now})
	revoke(t, s, c, "x")
	tok, ctx := gatetest.NewToken(c, "y"), t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Blocked(ctx, tok) }); n != 0 {
		t.Errorf("Blocked: %v allocations, want 0", n)
	}
}

// TestPrinted: a store that is printed shows nothing of the key of its hashes.
func TestPrinted(t *testing.T) {
	s := newStore(t, gatemem.Options{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, s); got != "gatemem.Store(0 entries)" {
			t.Errorf("%s of a store = %.80q", verb, got)
		}
	}
}

func TestSessions(t *testing.T) {
	gatetest.Sessions(t, func(t *testing.T, clock func() time.Time) stores.Sessions {
		return newStore(t, gatemem.Options{Clock: clock})
	})
}
