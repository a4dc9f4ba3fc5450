//go:build unix

package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// TestRecipes runs the JavaScript of docs/browser.md: tokens in each location, before and
// after the access token has expired.
func TestRecipes(t *testing.T) {
	for _, tt := range []struct {
		file     string
		delivery session.Delivery
		calls    []string
	}{
		{"split.js", session.Split, []string{"save", "saveByQuery", "saveByJSON"}},
		{"cookies.js", session.Cookies, []string{"save"}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			s := newSite(t, gate.Cookies{}, tt.delivery)
			serveRecipes(s)
			tab := newProfile(t)
			visit(t, tab, s.url(app)+"/page")
			eval[bool](t, tab, `import("/testdata/`+tt.file+`").then((recipes) => { Object.assign(globalThis, recipes); return true })`)
			if got := eval[*string](t, tab, `save("x")`); got != nil {
				t.Errorf("save without a login: %q", *got)
			}
			if tt.delivery == session.Split {
				if eval[bool](t, tab, `login("alice", "wrong")`) || !eval[bool](t, tab, `login("alice", "right")`) {
					t.Error("the login takes a wrong password, or not the right one")
				}
			} else {
				logIn(t, tab, "alice")
			}
			for range 2 {
				for _, call := range tt.calls {
					if got := eval[string](t, tab, call+`("a note")`); got != "alice: a note" {
						t.Errorf("%s: %q", call, got)
					}
				}
				s.clock.Advance(5 * time.Minute)
				eval[bool](t, tab, `gate.refresh()`)
			}
			if tt.delivery == session.Split {
				logOutByRecipe(t, s, tab)
			}
		})
	}
}

func logOutByRecipe(t *testing.T, s *site, tab context.Context) {
	t.Helper()
	s.on("/auth/logout", func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	eval[bool](t, tab, `logout().then(() => true)`)
	if got := eval[string](t, tab, `document.body.textContent`); !strings.HasPrefix(got, "The logout failed") {
		t.Errorf("after a logout that failed the page shows %q", got)
	}
	if got := eval[*string](t, tab, `save("a note")`); got == nil {
		t.Error("a failed logout has logged out")
	}
	s.on("/auth/logout", nil)
	eval[bool](t, tab, `logout().then(() => true)`)
	if got := eval[string](t, tab, `document.body.textContent`); got != "You are logged out." {
		t.Errorf("after the logout the page shows %q", got)
	}
	if got := eval[*string](t, tab, `save("a note")`); got != nil {
		t.Errorf("save after the logout: %q", *got)
	}
}

// serveRecipes adds the routes that the recipes use, with a token in one location each.
func serveRecipes(s *site) {
	s.mux.Handle("GET /testdata/", http.FileServer(http.Dir(".")))
	note := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		body := struct{ Note string }{r.FormValue("note")}
		if body.Note == "" {
			_ = json.NewDecoder(r.Body).Decode(&body)
		}
		fmt.Fprintf(w, "%s: %s", t.Subject, body.Note)
	})
	s.mux.Handle("POST /notes", s.gate.Require(gate.Policy{})(note))
	for path, location := range map[string]gate.Location{"POST /query": gate.FromQuery("jwt", ""), "POST /json": gate.FromJSON("access_token", "")} {
		s.mux.Handle(path, s.gate.Require(gate.Policy{Locations: []gate.Location{location}})(note))
	}
}
