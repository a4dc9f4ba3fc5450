//go:build unix

package browser_test

import (
	"os"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
)

// TestRestart: a login ends when the browser is closed, unless it is remembered.
func TestRestart(t *testing.T) {
	program := servers.Need(t, browsers...)
	s := newPages(t, gate.Cookies{})
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := removeProfile(dir); err != nil {
			t.Error(err)
		}
	})
	users := map[string]string{app: "alice", "other.example.com": "bob"} // by host; bob is remembered
	for _, restarted := range []bool{false, true} {
		ctx, stop, err := launch(program, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stop() }) // where the test has failed before
		for host, user := range users {
			remembered := user == "bob"
			if !restarted {
				visit(t, ctx, s.url(host)+"/page")
				fields := map[string]string{"name": user}
				if remembered {
					fields["remember"] = "on"
				}
				submit(t, ctx, s.url(host)+"/login", fields)
			}
			visit(t, ctx, s.url(host)+"/page")
			want := 200
			if restarted && !remembered {
				want = 401
			}
			if status := eval[int](t, ctx, `fetch("/home").then((r) => r.status)`); status != want {
				t.Errorf("%s, restarted: %v: %d, want %d", user, restarted, status, want)
			}
			if n := len(cookies(t, ctx)); (n == 0) != (want == 401) {
				t.Errorf("%s, restarted: %v: %d cookies", user, restarted, n)
			}
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}
