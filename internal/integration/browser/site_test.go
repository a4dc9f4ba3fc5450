//go:build unix

package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

// site is a site with sessions, whose clock a test sets.
type site struct {
	gate     *gate.Gate
	sessions *session.Manager
	clock    *gatetest.Clock
	key      *keys.Key
	store    *gatemem.Store
	mux      *http.ServeMux
	url      func(name string) string

	mu     sync.Mutex
	events map[string]int
	hooks  map[string]hook // by path
	around func(http.Handler) http.Handler
}

// hook answers a request of a client to a route of next.
type hook func(next http.Handler, w http.ResponseWriter, r *http.Request)

// app is the name of the site that tests visit.
const app = "app.example.com"

// newSite serves a site.
func newSite(t testing.TB, cookies gate.Cookies, delivery session.Delivery) *site {
	t.Helper()
	clock := gatetest.ClockAt(time.Now())
	store, err := gatemem.New(gatemem.Options{Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{clock: clock, key: key, store: store}
	return s.changed(t, cookies, delivery)
}

// changed serves the site with other cookies, at another port. Cookies belong to the hosts
// of both.
func (s *site) changed(t testing.TB, cookies gate.Cookies, delivery session.Delivery) *site {
	t.Helper()
	s = &site{clock: s.clock, key: s.key, store: s.store, events: map[string]int{}, hooks: map[string]hook{}, mux: http.NewServeMux()}
	locations := []gate.Location{gate.FromHeader("Authorization", "Bearer")}
	if delivery == session.Cookies {
		locations = []gate.Location{gate.FromCookies()}
	}
	var err error
	s.gate, err = gate.New(gate.Config{
		Keys: s.key, Blocklist: s.store, Clock: s.clock.Now, Cookies: cookies, Locations: locations,
		OnEvent: func(_ context.Context, e gate.Event) { s.count(e.Name) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.sessions, err = session.New(s.gate, s.store, session.Options{Delivery: delivery})
	if err != nil {
		t.Fatal(err)
	}
	s.route()
	s.wrap(nil)
	s.url = serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := s.around(s.mux)
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	return s
}

// wrap puts middleware around the site; nil: none.
func (s *site) wrap(middleware func(http.Handler) http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.around = middleware
	if middleware == nil {
		s.around = func(h http.Handler) http.Handler { return h }
	}
}

func (s *site) count(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[event]++
}

// times returns how often an event has happened.
func (s *site) times(event string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[event]
}

// on lets h answer requests to a route below /auth/; nil: as usual.
func (s *site) on(path string, h hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[path] = h
}

// onRefresh lets h answer refreshes.
func (s *site) onRefresh(h hook) { s.on("/auth/refresh", h) }

func (s *site) route() {
	auth := s.sessions.Handler("/auth/")
	s.mux.HandleFunc("/auth/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := s.hooks[r.URL.Path]
		s.mu.Unlock()
		if h == nil {
			auth.ServeHTTP(w, r)
			return
		}
		h(auth, w, r)
	})
	s.mux.HandleFunc("POST /login", s.logIn)
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if t, ok := gate.FromContext(r.Context()); ok {
			name = t.Subject
		}
		fmt.Fprintf(w, "%s %s", name, r.FormValue("note"))
	})
	s.mux.Handle("/me", s.gate.Require(gate.Policy{})(hello))
	s.mux.Handle("/open", s.gate.Require(gate.Policy{Optional: true})(hello))
	s.mux.Handle("/fresh", s.gate.Require(gate.Policy{Fresh: true})(hello))
	s.mux.Handle("GET /gate.js", session.Script())
	s.mux.Handle("GET /page", page(`<h1>A page</h1>`))
}

// logIn logs in whom the form names.
func (s *site) logIn(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("password") == "wrong" {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	pair, err := s.sessions.Start(r.Context(), r.FormValue("name"), session.Login{Remember: r.FormValue("remember") != ""})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	s.sessions.Write(w, r, pair)
}

// eachDelivery runs a test for both kinds of pages, with the options of their clients.
func eachDelivery(t *testing.T, test func(t *testing.T, options string, delivery session.Delivery)) {
	t.Run("split", func(t *testing.T) { test(t, "", session.Split) })
	t.Run("cookies", func(t *testing.T) { test(t, cookiesClient, session.Cookies) })
}

// visitWithClient opens the page of a site, which makes a client of gate.js: gate. It
// records the client's events in the array events.
func visitWithClient(t testing.TB, tab context.Context, url, options string) {
	t.Helper()
	visit(t, tab, url)
	loadClient(t, tab, options)
}

func loadClient(t testing.TB, tab context.Context, options string) {
	t.Helper()
	eval[bool](t, tab, `(async () => {
		const { Client } = await import("/gate.js");
		globalThis.gate = new Client(`+options+`);
		globalThis.events = [];
		for (const type of ["login", "refresh", "logout"]) {
			gate.addEventListener(type, (e) => events.push(type + (e.detail.otherTab ? " in another tab" : "")));
		}
		globalThis.text = async (...request) => {
			const response = await gate.fetch(...request);
			return response.status + " " + (response.ok ? await response.text() : "");
		};
		return true;
	})()`)
}

// logIn logs a user in through the client.
func logIn(t testing.TB, tab context.Context, name string) {
	t.Helper()
	js := fmt.Sprintf(`(async () => {
		const response = await gate.accept(await fetch("/login", { method: "POST", body: new URLSearchParams({ name: %q }) }));
		return response.status;
	})()`, name)
	if status := eval[int](t, tab, js); status != http.StatusOK {
		t.Fatalf("the login of %s: %d", name, status)
	}
}

// wantText compares what a request of the client's answers: the status and the text.
func wantText(t testing.TB, tab context.Context, request, want string) {
	t.Helper()
	if got := eval[string](t, tab, "text("+request+")"); got != want {
		t.Errorf("fetch(%s): %q, want %q", request, got, want)
	}
}
