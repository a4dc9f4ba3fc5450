//go:build unix

package browser_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// evil is the name of a site that is not the tests' own.
const evil = "other.example.net"

// cors lets the pages of some origins call h, with cookies.
func cors(h http.Handler, origins ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		for _, origin := range origins {
			if r.Header.Get("Origin") == origin {
				w.Header().Set("Access-Control-Allow-Origin", origin)
				w.Header().Set("Access-Control-Allow-Credentials", "true")
				w.Header().Set("Access-Control-Allow-Headers", "Authorization, X-CSRF-TOKEN, Content-Type")
			}
		}
		if r.Method == http.MethodOptions {
			return
		}
		h.ServeHTTP(w, r)
	})
}

// TestNoTokenToOthers: the client sends no token to another origin, and the browser none
// after a redirect.
func TestNoTokenToOthers(t *testing.T) {
	eachDelivery(t, func(t *testing.T, options string, delivery session.Delivery) {
		s := newSite(t, gate.Cookies{}, delivery)
		var mu sync.Mutex
		seen := map[string]http.Header{}
		record := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen[r.Method+" "+r.URL.Path] = r.Header
		})
		others := serveTLS(t, cors(record, s.url(app)))(evil)
		s.mux.Handle("/record", record)
		s.mux.Handle("/away", http.RedirectHandler(others+"/redirected", http.StatusSeeOther))
		tab := newProfile(t)
		visitWithClient(t, tab, s.url(app)+"/page", options)
		logIn(t, tab, "alice")
		for _, request := range []string{
			`"` + others + `/direct"`, `"` + others + `/direct", { method: "POST" }`, `new Request("` + others + `/request", { method: "POST" })`,
			`"/away"`, `"/record", { method: "POST" }`,
		} {
			wantText(t, tab, request, "200 ")
		}
		for _, request := range []string{"GET /direct", "POST /direct", "POST /request", "GET /redirected"} {
			h, ok := seen[request]
			if !ok || h.Get("Authorization") != "" || h.Get("X-Csrf-Token") != "" || h.Get("Cookie") != "" {
				t.Errorf("%s on another origin: %v", request, h)
			}
		}
		own := seen["POST /record"]
		if own.Get("Authorization") == "" && own.Get("X-Csrf-Token") == "" {
			t.Errorf("POST on its own origin has no token: %v", own)
		}
	})
}

// TestOtherOriginAPI: a page whose API is on another origin of the same site. The page
// cannot read the CSRF cookie, and gets its value from the API.
func TestOtherOriginAPI(t *testing.T) {
	for _, tt := range []struct {
		name, delivery string
		kind           session.Delivery
	}{{"split", "split", session.Split}, {"cookies", "cookies", session.Cookies}} {
		t.Run(tt.name, func(t *testing.T) {
			front := http.NewServeMux()
			front.Handle("GET /page", page(`<h1>A page</h1>`))
			front.Handle("GET /gate.js", session.Script())
			pages := serveTLS(t, front)
			s := newSite(t, gate.Cookies{CSRF: gate.CSRF{TrustedOrigins: []string{pages(app)}}}, tt.kind)
			api := serveTLS(t, cors(s.mux, pages(app)))("api.example.com")
			options := `{ auth: "` + api + `/auth/", delivery: "` + tt.delivery + `" }`
			request := `"` + api + `/me", { method: "POST", body: new URLSearchParams({ note: "x" }) }`

			tab := newProfile(t)
			visitWithClient(t, tab, pages(app)+"/page", options)
			status := eval[int](t, tab, `fetch("`+api+`/login", { method: "POST", credentials: "include", body: new URLSearchParams({ name: "alice" }) })
				.then((response) => gate.accept(response)).then((r) => r.status)`)
			if status != 200 {
				t.Fatalf("the login: %d", status)
			}
			wantText(t, tab, request, "200 alice x")
			if got := eval[string](t, tab, "document.cookie"); got != "" {
				t.Errorf("the page can read %q", got)
			}
			visitWithClient(t, tab, pages(app)+"/page", options) // a reload
			wantText(t, tab, request, "200 alice x")
			s.clock.Advance(time.Hour)
			wantText(t, tab, request, "200 alice x")

			// Somebody else logs in, and no client is told. The CSRF value is another one now.
			eval[int](t, tab, `fetch("`+api+`/login", { method: "POST", credentials: "include", body: new URLSearchParams({ name: "bob" }) }).then((r) => r.status)`)
			if !eval[bool](t, tab, "gate.refresh()") {
				t.Error("no refresh after another login")
			}
			wantText(t, tab, request, "200 bob x")

			// A page of another site may call nothing, also where cookies are sent.
			visitWithClient(t, tab, pages("evil.example.com")+"/page", options)
			if got := eval[string](t, tab, `gate.refresh().catch((err) => err.name)`); got != "TypeError" {
				t.Errorf("a refresh from an origin that is not allowed: %s", got)
			}
			visitWithClient(t, tab, pages(app)+"/page", options)
			eval[bool](t, tab, `gate.logout().then(() => true)`)
			wantText(t, tab, request, "401 ")
		})
	}
}
