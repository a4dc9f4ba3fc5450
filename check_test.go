package gate_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// After any fault the handler is not called, and the answer has the reason.
func TestRequireStopsAtTheFirstFault(t *testing.T) {
	boom := errors.New("down")
	for _, tt := range []struct {
		name   string
		set    func(*gate.Config)
		policy gate.Policy
		raw    string
		status int
		want   string
	}{
		{name: "good token", raw: token(), status: 204, want: "ok"},
		{name: "no token", raw: "", status: 401, want: "missing_header"},
		{name: "no signature", raw: hs256.Header() + "." + encode(payload()) + ".", status: 401, want: "signature"},
		{name: "expired", raw: token("exp", at(-1)), status: 401, want: "expired"},
		{name: "refresh token", raw: refreshToken(), status: 401, want: "access_wanted"},
		{name: "not fresh", raw: token(), policy: gate.Policy{Fresh: true}, status: 401, want: "not_fresh"},
		{name: "bad token where it is optional", raw: "x", policy: gate.Policy{Optional: true}, status: 401, want: "segments"},
		{name: "revoked", raw: token(), status: 401, want: "revoked", set: func(c *gate.Config) {
			c.Blocklist = gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return true, nil })
		}},
		{name: "blocklist down", raw: token(), status: 503, want: "failure", set: func(c *gate.Config) {
			c.Blocklist = gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, boom })
		}},
		{name: "rejected", raw: token(), status: 403, want: "rejected", set: func(c *gate.Config) {
			c.Verify = func(context.Context, *gate.Token) error { return boom }
		}},
		{name: "no user", raw: token(), status: 401, want: "no_user", set: func(c *gate.Config) {
			c.LoadUser = func(context.Context, *gate.Token) (any, error) { return nil, nil }
		}},
		{name: "users down", raw: token(), status: 503, want: "failure", set: func(c *gate.Config) {
			c.LoadUser = func(context.Context, *gate.Token) (any, error) { return "alice", boom }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var cfg gate.Config
			if tt.set != nil {
				tt.set(&cfg)
			}
			var told error
			cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) {
				told = err
				gate.JSONErrors("msg")(w, r, err)
			}
			g := newGate(t, cfg)
			r := request("GET", "/")
			if tt.raw != "" {
				r = bearer(tt.raw)
			}
			s := serve(g.Require(tt.policy), r)
			if s.Code != tt.status || s.reached != (tt.want == "ok") {
				t.Errorf("status %d, handler reached: %v; want %d", s.Code, s.reached, tt.status)
			}
			checkVerdict(t, told, tt.want)
			checked, err := g.Check(r, tt.policy)
			checkVerdict(t, err, tt.want)
			if (checked == nil) != (err != nil) {
				t.Errorf("Check = %v, %v; want one of the two", checked, err)
			}
		})
	}
}

func TestRequireHandsOn(t *testing.T) {
	g := newGate(t, gate.Config{})
	s := serve(g.Require(gate.Policy{}), bearer(token()))
	tok, ok := gate.FromContext(s.request.Context())
	if !ok {
		t.Fatal("the handler has no token")
	}
	if tok.Subject != "alice" || tok.Location() != "header" {
		t.Errorf("token = %v at %q", tok, tok.Location())
	}
	s = serve(g.Require(gate.Policy{Optional: true}), request("GET", "/"))
	if !s.reached || !gate.Guarded(s.request.Context()) {
		t.Errorf("visitor without a token: reached %v, guarded %v", s.reached, gate.Guarded(s.request.Context()))
	}
}

// The checks have an order: each row has all faults from one step on.
func TestOrderOfSteps(t *testing.T) {
	faults := []struct {
		want string
		mend func(r *http.Request, claims *[]string, blocked, rejected *bool)
	}{
		{"csrf_missing", func(r *http.Request, _ *[]string, _, _ *bool) { r.Header.Set("X-CSRF-TOKEN", "wrong") }},
		{"aud_mismatch", func(_ *http.Request, c *[]string, _, _ *bool) { *c = append(*c, "aud", `"api"`) }},
		{"csrf_mismatch", func(r *http.Request, _ *[]string, _, _ *bool) { r.Header.Set("X-CSRF-TOKEN", "canary-csrf-1") }},
		{"expired", func(_ *http.Request, c *[]string, _, _ *bool) { *c = append(*c, "exp", at(900)) }},
		{"access_wanted", func(_ *http.Request, c *[]string, _, _ *bool) { *c = append(*c, "type", `"access"`) }},
		{"not_fresh", func(_ *http.Request, c *[]string, _, _ *bool) { *c = append(*c, "fresh", `true`) }},
		{"revoked", func(_ *http.Request, _ *[]string, blocked, _ *bool) { *blocked = false }},
		{"rejected", func(_ *http.Request, _ *[]string, _, rejected *bool) { *rejected = false }},
		{"no_user", nil},
	}
	blocked, rejected := true, true
	g := newGate(t, gate.Config{
		Locations: []gate.Location{gate.FromCookies()},
		Accept:    gate.Accept{Audiences: []string{"api"}},
		Blocklist: gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return blocked, nil }),
		Verify: func(context.Context, *gate.Token) error {
			if rejected {
				return errors.New("no")
			}
			return nil
		},
		LoadUser: func(context.Context, *gate.Token) (any, error) { return nil, nil },
	})
	r := request("POST", "/")
	claims := []string{"exp", at(-1), "type", `"refresh"`, "aud", `"other"`}
	for _, f := range faults {
		r.Header.Set("Cookie", "access_token_cookie="+token(claims...))
		_, err := g.Check(r, gate.Policy{Fresh: true})
		checkVerdict(t, err, f.want)
		if f.mend != nil {
			f.mend(r, &claims, &blocked, &rejected)
		}
	}
}

// A hook that panics is the application's to recover from: nothing was written, and
// nobody was let in.
func TestHookPanics(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*gate.Config)
	}{
		{"Blocklist", func(c *gate.Config) {
			c.Blocklist = gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { panic("hook") })
		}},
		{"Verify", func(c *gate.Config) { c.Verify = func(context.Context, *gate.Token) error { panic("hook") } }},
		{"LoadUser", func(c *gate.Config) { c.LoadUser = func(context.Context, *gate.Token) (any, error) { panic("hook") } }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var cfg gate.Config
			tt.set(&cfg)
			g := newGate(t, cfg)
			w, reached := httptest.NewRecorder(), false
			func() {
				defer func() {
					if got := recover(); got != "hook" {
						t.Errorf("recovered %v, want the hook's panic", got)
					}
				}()
				g.Require(gate.Policy{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(w, bearer(token()))
			}()
			if reached || w.Body.Len() > 0 || len(w.Header()) > 0 {
				t.Errorf("reached %v, header %v, body %q", reached, w.Header(), w.Body)
			}
		})
	}
}

func TestCheckToken(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}})
	for _, tt := range []struct {
		name   string
		raw    string
		policy gate.Policy
		want   string
	}{
		{"access token", token(), gate.Policy{}, "ok"},
		{"without CSRF value", token("csrf", ""), gate.Policy{}, "ok"},
		{"locations do not apply", token(), gate.Policy{Locations: []gate.Location{{}}}, "ok"},
		{"refresh token", refreshToken(), gate.Policy{Type: gate.Refresh}, "ok"},
		{"refresh token for access", refreshToken(), gate.Policy{}, "access_wanted"},
		{"empty, though optional", "", gate.Policy{Optional: true}, "segments"},
		{"expired", token("exp", at(0)), gate.Policy{Optional: true}, "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok, err := g.CheckToken(t.Context(), tt.raw, tt.policy)
			checkVerdict(t, err, tt.want)
			if err == nil && (tok.Subject != "alice" || tok.Location() != "") {
				t.Errorf("token = %v at %q", tok, tok.Location())
			}
		})
	}
}

func TestDecode(t *testing.T) {
	asked := 0
	g := newGate(t, gate.Config{
		Blocklist: gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { asked++; return true, nil }),
		Verify:    func(context.Context, *gate.Token) error { asked++; return errors.New("no") },
		LoadUser:  func(context.Context, *gate.Token) (any, error) { asked++; return nil, nil },
	})
	for _, tt := range []struct {
		name    string
		raw     string
		options gate.DecodeOptions
		want    string
	}{
		{"revoked access token", token(), gate.DecodeOptions{}, "ok"},
		{"refresh token", refreshToken(), gate.DecodeOptions{}, "ok"},
		{"bad signature", token() + "x", gate.DecodeOptions{AllowExpired: true}, "signature"},
		{"expired", token("exp", at(-1)), gate.DecodeOptions{}, "expired"},
		{"expired, allowed", token("exp", at(-1)), gate.DecodeOptions{AllowExpired: true}, "ok"},
		{"expired and for others", token("exp", at(-1), "aud", `"x"`), gate.DecodeOptions{AllowExpired: true}, "aud_unexpected"},
		{"CSRF value", token(), gate.DecodeOptions{CSRF: "canary-csrf-1"}, "ok"},
		{"other CSRF value", token(), gate.DecodeOptions{CSRF: "canary-csrf-2"}, "csrf_mismatch"},
		{"no CSRF claim", token("csrf", ""), gate.DecodeOptions{CSRF: "canary-csrf-1"}, "csrf_claim_missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok, err := g.Decode(t.Context(), tt.raw, tt.options)
			checkVerdict(t, err, tt.want)
			if (tok == nil) != (err != nil) {
				t.Errorf("Decode = %v, %v", tok, err)
			}
		})
	}
	if asked != 0 {
		t.Errorf("Decode asked hooks %d times", asked)
	}
}

// transport is a request of another kind than net/http's.
type transport struct {
	method  string
	headers map[string][]string
}

func (t transport) Method() string                 { return t.method }
func (t transport) Host() string                   { return "" }
func (t transport) PathValue(string) string        { return "" }
func (t transport) Header(name string) []string    { return t.headers[name] }
func (t transport) Cookies(string) []string        { return nil }
func (t transport) Query(string) []string          { return nil }
func (t transport) Body(int) ([]byte, bool, error) { return nil, true, nil }

func TestCheckRequest(t *testing.T) {
	g := newGate(t, gate.Config{})
	r := transport{"GET", map[string][]string{"Authorization": {"Bearer " + token()}}}
	tok, err := g.CheckRequest(t.Context(), r, gate.Policy{})
	if err != nil || tok.Subject != "alice" {
		t.Errorf("CheckRequest = %v, %v", tok, err)
	}
	_, err = g.CheckRequest(t.Context(), transport{}, gate.Policy{})
	checkVerdict(t, err, "missing_header")
}

// One gate serves many requests at once.
func TestConcurrentUse(t *testing.T) {
	g := newGate(t, gate.Config{Keys: ed, Accept: gate.Accept{Limits: gate.Limits{CacheEntries: 32}}})
	users := []string{"alice", "bob", "carol", "dave"}
	done := make(chan error, len(users))
	for _, user := range users {
		go func() {
			done <- func() error {
				for range 50 {
					raw, err := g.CreateAccessToken(context.Background(), user, gate.TokenOptions{})
					for range 3 {
						if err != nil {
							return err
						}
						var tok *gate.Token
						if tok, err = g.Check(bearer(raw), gate.Policy{}); err == nil && tok.Subject != user {
							err = errors.New("the token of another user")
						}
					}
				}
				return nil
			}()
		}()
	}
	for range users {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("not done within a minute")
		}
	}
}

// The error of a check says where the token was and, once its signature is verified,
// which token it was.
func TestErrorNamesTheToken(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies(), gate.FromHeader("Authorization", "Bearer")}})
	for _, tt := range []struct {
		name, raw string
		id        string
	}{
		{"bad signature", token() + "x", ""},
		{"bad claim", token("exp", `"soon"`), "id-1"},
		{"expired", token("exp", at(0)), "id-1"},
		{"wrong type", refreshToken(), "id-2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := g.Check(bearer(tt.raw), gate.Policy{})
			var e *gate.Error
			if !errors.As(err, &e) || e.Location != "header" {
				t.Fatalf("error = %v, want one that names the header", err)
			}
			if (e.Token == nil) != (tt.id == "") || e.Token != nil && e.Token.ID != tt.id {
				t.Errorf("token = %v, want the ID %q", e.Token, tt.id)
			}
		})
	}
}
