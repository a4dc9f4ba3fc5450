//go:build unix

package browser_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

const cookiesClient = `{ delivery: "cookies" }`

// TestSplitClient: a page logs in, reloads and outlives its access tokens. No token is where
// a script of an attacker finds it.
func TestSplitClient(t *testing.T) {
	s := newSite(t, gate.Cookies{Refresh: gate.CookieNames{Path: "/auth/"}}, session.Split)
	tab := newProfile(t)
	visitWithClient(t, tab, s.url(app)+"/page", "")

	wantText(t, tab, `"/open"`, "200 nobody ")
	wantText(t, tab, `"/me"`, "401 ")
	refused := eval[string](t, tab, `(async () => {
		const response = await gate.accept(await fetch("/login", { method: "POST", body: new URLSearchParams({ password: "wrong" }) }));
		return response.status + events.join();
	})()`)
	if refused != "401" {
		t.Errorf("a wrong password: %q", refused)
	}
	logIn(t, tab, "alice")
	wantText(t, tab, `"/me?note=hello"`, "200 alice hello")
	wantText(t, tab, `new URL("/me", location)`, "200 alice ")

	s.clock.Advance(time.Hour)
	wantText(t, tab, `"/me"`, "200 alice ")
	if n := s.times(session.RefreshRotated); n != 1 {
		t.Errorf("%d refreshes after the expiry, want 1", n)
	}
	wantText(t, tab, `"/fresh"`, "401 ")
	if n := s.times(session.RefreshRotated); n != 1 {
		t.Errorf("a refresh cures no lack of freshness, and there were %d", n-1)
	}
	if got := eval[string](t, tab, `events.join()`); got != "login,refresh" {
		t.Errorf("events: %s", got)
	}
	stored := eval[string](t, tab, `JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, Object.values(gate)])`)
	if strings.Contains(stored, "eyJ") || !strings.Contains(stored, "csrf_refresh_token=") {
		t.Errorf("what other scripts can read: %s", stored)
	}

	s.clock.Advance(time.Minute) // after the grace period
	visitWithClient(t, tab, s.url(app)+"/page", "")
	wantText(t, tab, `"/open"`, "200 alice ") // a page that would serve strangers
	if got := eval[bool](t, tab, `gate.token().then((token) => token.startsWith("eyJ"))`); !got {
		t.Error("token() has no token")
	}
}

// TestSplitLogout: after a logout the token is not accepted, and no client has it.
func TestSplitLogout(t *testing.T) {
	s := newSite(t, gate.Cookies{Refresh: gate.CookieNames{Path: "/auth/"}}, session.Split)
	tab := newProfile(t)
	visitWithClient(t, tab, s.url(app)+"/page", "")
	logIn(t, tab, "alice")
	eval[bool](t, tab, `gate.token().then((token) => { globalThis.old = token; return true })`)
	const withOld = `fetch("/me", { headers: { Authorization: "Bearer " + old } }).then((r) => r.status)`
	if status := eval[int](t, tab, withOld); status != 200 {
		t.Errorf("the token before the logout: %d", status)
	}
	eval[bool](t, tab, `gate.logout().then(() => true)`)
	if status := eval[int](t, tab, withOld); status != 401 {
		t.Errorf("the token after the logout: %d", status)
	}
	wantText(t, tab, `"/open"`, "200 nobody ")
	if got := eval[bool](t, tab, `gate.token().then((token) => token === undefined)`); !got {
		t.Error("there is a token after the logout")
	}
	if got := eval[string](t, tab, `events.join()`); got != "login,logout" {
		t.Errorf("events: %s", got)
	}
	logIn(t, tab, "bob")
	wantText(t, tab, `"/me"`, "200 bob ")
}

// TestSessionEndedElsewhere: the page hears of it with its next request, once.
func TestSessionEndedElsewhere(t *testing.T) {
	eachDelivery(t, func(t *testing.T, options string, delivery session.Delivery) {
		s := newSite(t, gate.Cookies{}, delivery)
		tab, far := newProfile(t), newProfile(t)
		visitWithClient(t, tab, s.url(app)+"/page", options)
		visitWithClient(t, far, s.url(app)+"/page", options)
		logIn(t, tab, "alice")
		logIn(t, far, "alice")
		s.clock.Advance(time.Hour) // its access token has expired
		eval[bool](t, far, `gate.logoutEverywhere().then(() => true)`)
		wantText(t, far, `"/me"`, "401 ")
		wantText(t, tab, `"/me"`, "401 ")
		wantText(t, tab, `"/me"`, "401 ")
		if got := eval[string](t, tab, `events.join()`); got != "login,logout" {
			t.Errorf("events: %s", got)
		}
		// A page that begins without a login has none to lose.
		visitWithClient(t, tab, s.url(app)+"/page", options)
		wantText(t, tab, `"/me"`, "401 ")
		if got := eval[string](t, tab, `gate.refresh().then((ok) => ok + events.join())`); got != "false" {
			t.Errorf("a refresh without a login, and events: %s", got)
		}
	})
}

// TestCookiesClient: the client sends the CSRF value, which it finds again after a reload.
func TestCookiesClient(t *testing.T) {
	for _, tt := range []struct {
		name string
		csrf gate.CSRF
	}{{"a cookie that the page reads", gate.CSRF{}}, {"no such cookie", gate.CSRF{OmitCookie: true}}} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, gate.Cookies{CSRF: tt.csrf}, session.Cookies)
			tab := newProfile(t)
			visitWithClient(t, tab, s.url(app)+"/page", cookiesClient)
			const post = `"/me", { method: "POST", body: new URLSearchParams({ note: "x" }) }`
			wantText(t, tab, post, "401 ")
			logIn(t, tab, "alice")
			wantText(t, tab, `"/me"`, "200 alice ")
			wantText(t, tab, post, "200 alice x")
			if status := eval[int](t, tab, `fetch(`+post+`).then((r) => r.status)`); status != 403 {
				t.Errorf("without the client: %d", status)
			}
			visitWithClient(t, tab, s.url(app)+"/page", cookiesClient)
			wantText(t, tab, post, "200 alice x")
			s.clock.Advance(time.Hour)
			wantText(t, tab, post, "200 alice x")
			if n := s.times(session.RefreshRotated); n != 1 {
				t.Errorf("%d refreshes, want 1", n)
			}
			eval[bool](t, tab, `gate.logoutEverywhere().then(() => true)`)
			wantText(t, tab, `"/me"`, "401 ")
		})
	}
}

// TestRetriedBodies: a request that is sent again has all of its body, headers and method.
func TestRetriedBodies(t *testing.T) {
	s := newSite(t, gate.Cookies{}, session.Cookies)
	s.mux.Handle("/echo", s.gate.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil && r.FormValue("note") == "" {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		size := 0
		if r.MultipartForm != nil && len(r.MultipartForm.File["file"]) > 0 {
			size = int(r.MultipartForm.File["file"][0].Size)
		}
		_, _ = w.Write([]byte(strings.Join([]string{r.Method, r.FormValue("note"), r.Header.Get("X-Own"), strings.Repeat("F", size/100_000)}, " ")))
	})))
	tab := newProfile(t)
	visitWithClient(t, tab, s.url(app)+"/page", cookiesClient)
	logIn(t, tab, "alice")
	eval[bool](t, tab, `globalThis.form = () => {
		const form = new FormData();
		form.set("note", "x");
		form.set("file", new Blob([new Uint8Array(300000)]), "a.png");
		return form;
	}, true`)
	for i, tt := range []struct{ name, request, want string }{
		{"a form with a file", `"/echo", { method: "PUT", body: form(), headers: { "X-Own": "own" } }`, "200 PUT x own FFF"},
		{"a Request", `new Request("/echo", { method: "POST", body: form(), headers: { "X-Own": "own" } })`, "200 POST x own FFF"},
		{"a Request with other headers", `new Request("/echo", { method: "POST", body: form() }), { headers: new Headers({ "X-Own": "new", "Content-Type": "application/x-www-form-urlencoded" }), body: "note=y" }`, "200 POST y new "},
		{"text", `"/echo", { method: "post", body: "note=x", headers: [["Content-Type", "application/x-www-form-urlencoded"]] }`, "200 POST x  "},
	} {
		s.clock.Advance(time.Hour)
		t.Run(tt.name, func(t *testing.T) {
			wantText(t, tab, tt.request, tt.want)
			if n := s.times(session.RefreshRotated); n != i+1 {
				t.Errorf("%d refreshes, want %d", n, i+1)
			}
		})
	}

	s.clock.Advance(time.Hour)
	const stream = `{ method: "POST", duplex: "half", headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: new Blob(["note=x"]).stream() }`
	got := eval[string](t, tab, `text("/echo", `+stream+`).catch((err) => err.name + " " + err.cause.status)`)
	if got != "TypeError 401" {
		t.Errorf("a stream that would have to be sent again: %q", got)
	}
	wantText(t, tab, `"/echo", `+stream, "200 POST x  ") // the refresh was made
}

// TestRefreshFails: a server or a network that fails logs nobody out.
func TestRefreshFails(t *testing.T) {
	s := newSite(t, gate.Cookies{}, session.Split)
	tab := newProfile(t)
	visitWithClient(t, tab, s.url(app)+"/page", "")
	logIn(t, tab, "alice")
	s.clock.Advance(time.Hour)
	s.onRefresh(func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if got := eval[string](t, tab, `gate.fetch("/me").catch((err) => err.message + " " + err.cause.status)`); !strings.HasSuffix(got, "/auth/refresh answered 503 503") {
		t.Errorf("a refresh that is answered with 503: %s", got)
	}
	s.onRefresh(func(http.Handler, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if got := eval[string](t, tab, `gate.refresh().catch((err) => err.name)`); got != "TypeError" {
		t.Errorf("a refresh without an answer: %s", got)
	}
	if got := eval[string](t, tab, `events.join()`); got != "login" {
		t.Errorf("events: %s", got)
	}

	// The server refreshes, and the answer is lost. The client asks again at once.
	lost := 0
	s.onRefresh(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if lost++; lost == 1 {
			next.ServeHTTP(dropped{w, http.Header{}}, r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
	wantText(t, tab, `"/me"`, "200 alice ")
	if rotated, replayed := s.times(session.RefreshRotated), s.times(session.RefreshReplayed); rotated != 1 || replayed != 1 {
		t.Errorf("%d rotations and %d repetitions, want 1 and 1", rotated, replayed)
	}
	s.onRefresh(nil)
	s.clock.Advance(time.Hour)
	wantText(t, tab, `"/me"`, "200 alice ")
}

// dropped is an answer that does not arrive.
type dropped struct {
	http.ResponseWriter
	header http.Header
}

func (d dropped) Header() http.Header         { return d.header }
func (d dropped) WriteHeader(int)             {}
func (d dropped) Write(b []byte) (int, error) { return len(b), nil }
