package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

const (
	alice    = `{"name":"alice","password":"correct horse battery"}`
	secret   = "a secret of more than 32 bytes, for tests"
	newWords = `{"password":"staple of the battery"}`
)

// tokens are what a login or a refresh hands out.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// secretFile writes the secret that startKnown gives the demo.
func secretFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// signIn signs alice up, if she is not yet, and logs her in.
func (d *demo) signIn() tokens {
	d.t.Helper()
	d.do(http.DefaultClient, call{method: "POST", path: "/signup", body: alice})
	return d.tokens(call{method: "POST", path: "/login", body: alice})
}

// tokens sends a call that hands out tokens.
func (d *demo) tokens(c call) (t tokens) {
	d.t.Helper()
	status, body := d.do(http.DefaultClient, c)
	if err := json.Unmarshal([]byte(body), &t); err != nil || status != 200 || t.Access == "" {
		d.t.Fatalf("%s %s = %d %s (%v), want 200 and tokens", c.method, c.path, status, body, err)
	}
	return t
}

// mint makes a token that the demo did not make, at a time, with a secret.
func mint(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	k, err := keys.HMAC(keys.HS256, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: k.WithID("first"), Clock: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := g.CreateAccessToken(t.Context(), "1", gate.TokenOptions{Fresh: true, Claims: map[string]any{"sid": "s"}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// step is a call and what it has to answer.
type step struct {
	name   string
	call   call
	status int
	want   string // in the body
}

func (d *demo) play(client *http.Client, steps []step) {
	d.t.Helper()
	for _, s := range steps {
		status, body := d.do(client, s.call)
		if status != s.status || !strings.Contains(body, s.want) {
			d.t.Errorf("%s: %s %s = %d %s, want %d and %q", s.name, s.call.method, s.call.path, status, body, s.status, s.want)
		}
	}
}

func TestSignUpAndLogin(t *testing.T) {
	d := start(t)
	long := `{"name":"bob","password":"` + strings.Repeat("x", 5000) + `"}`
	post := func(path, body string) call { return call{method: "POST", path: path, body: body} }
	d.play(http.DefaultClient, []step{
		{"sign up", post("/signup", alice), 201, "Signed up as alice"},
		{"a name twice", post("/signup", alice), 409, "taken"},
		{"a name twice in other case", post("/signup", strings.Replace(alice, "alice", "Alice", 1)), 409, "taken"},
		{"short password", post("/signup", `{"name":"bob","password":"short"}`), 400, "12 to 200"},
		{"long password", post("/signup", `{"name":"bob","password":"`+strings.Repeat("x", 201)+`"}`), 400, "12 to 200"},
		{"bad name", post("/signup", `{"name":"bob <b>","password":"correct horse battery"}`), 400, "name"},
		{"no name", post("/signup", `{"password":"correct horse battery"}`), 400, "name"},
		{"not JSON", post("/signup", `name=bob`), 400, "JSON"},
		{"two objects", post("/signup", alice+alice), 400, "JSON"},
		{"a member twice", post("/signup", `{"name":"bob","name":"eve","password":"correct horse battery"}`), 400, "JSON"},
		{"a member too many", post("/signup", `{"name":"bob","password":"correct horse battery","admin":true}`), 400, "JSON"},
		{"a member of another type", post("/signup", `{"name":1,"password":"correct horse battery"}`), 400, "JSON"},
		{"oversized body", post("/signup", long), 413, "too large"},
		{"form body", call{method: "POST", path: "/signup", body: "name=bob", contentType: "application/x-www-form-urlencoded"}, 415, "Content-Type"},
		{"no content type", call{method: "POST", path: "/login", body: alice, contentType: "text/plain"}, 415, "Content-Type"},
		{"log in", post("/login", alice), 200, `"refresh_token":`},
		{"wrong password", post("/login", strings.Replace(alice, "horse", "mule", 1)), 401, "Wrong name or password"},
		{"unknown name", post("/login", strings.Replace(alice, "alice", "mallory", 1)), 401, "Wrong name or password"},
		{"empty credentials", post("/login", `{}`), 401, "Wrong name or password"},
		{"endless password", post("/login", `{"name":"alice","password":"`+strings.Repeat("x", 300)+`"}`), 401, "Wrong name or password"},
		{"oversized login", post("/login", long), 413, "too large"},
		{"wrong method", call{method: "GET", path: "/login"}, 405, ""},
		{"no such route", call{method: "GET", path: "/nowhere"}, 404, ""},
	})
}

func TestGuardedRoutes(t *testing.T) {
	d := start(t, "-secret-file", secretFile(t))
	in := d.signIn()
	stale := d.tokens(call{method: "POST", path: "/auth/refresh", token: in.Refresh})
	if stale.Refresh == "" || stale.Refresh == in.Refresh {
		t.Error("POST /auth/refresh handed out no new refresh token")
	}
	expired := mint(t, secret, time.Now().Add(-time.Hour))
	forged := mint(t, strings.ToUpper(secret), time.Now())
	get := func(path, token string) call { return call{method: "GET", path: path, token: token} }
	post := func(path, token, body string) call {
		return call{method: "POST", path: path, token: token, body: body}
	}
	d.play(http.DefaultClient, []step{
		{"me", get("/me", in.Access), 200, `"name":"alice"`},
		{"me, refreshed", get("/me", stale.Access), 200, `"name":"alice"`},
		{"me without a token", get("/me", ""), 401, "No token was sent"},
		{"me with a refresh token", get("/me", in.Refresh), 401, "An access token is wanted"},
		{"me, expired", get("/me", expired), 401, "expired"},
		{"me, forged", get("/me", forged), 401, "signature"},
		{"me, cut", get("/me", in.Access[:len(in.Access)-1]), 401, "signature"},
		{"hello", get("/hello", in.Access), 200, "Hello, alice"},
		{"hello, stranger", get("/hello", ""), 200, "Hello, stranger"},
		{"hello, expired", get("/hello", expired), 401, "expired"},
		{"password, stale", post("/password", stale.Access, newWords), 401, "fresh token"},
		{"password, too short", post("/password", in.Access, `{"password":"short"}`), 400, "12 to 200"},
		{"password, oversized", post("/password", in.Access, strings.Repeat(" ", 5000)), 413, "too large"},
		{"password, no token", post("/password", "", newWords), 401, "No token"},
		{"password", post("/password", in.Access, newWords), 200, "changed"},
		{"log in with the old one", post("/login", "", alice), 401, "Wrong"},
		{"log in with the new one", post("/login", "", `{"name":"alice",`+newWords[1:]), 200, "access_token"},
		{"refresh with an access token", post("/auth/refresh", in.Access, ""), 401, "A refresh token is wanted"},
		{"refresh without a token", post("/auth/refresh", "", ""), 401, "No token"},
		{"logout without a token", post("/auth/logout", "", ""), 401, "No token"},
		{"logout", post("/auth/logout", in.Access, ""), 204, ""},
		{"me after logout", get("/me", in.Access), 401, "revoked"},
		{"me after logout, refreshed", get("/me", stale.Access), 401, "revoked"},
		{"hello after logout", get("/hello", in.Access), 401, "revoked"},
		{"refresh after logout", post("/auth/refresh", in.Refresh, ""), 401, "revoked"},
		{"logout again", post("/auth/logout", in.Access, ""), 204, ""},
	})
}

func TestLogoutWithTheRefreshToken(t *testing.T) {
	d := start(t)
	in, other := d.signIn(), d.signIn()
	d.play(http.DefaultClient, []step{
		{"logout", call{method: "POST", path: "/auth/logout", token: in.Refresh}, 204, ""},
		{"me", call{method: "GET", path: "/me", token: in.Access}, 401, "revoked"},
		{"the other login", call{method: "GET", path: "/me", token: other.Access}, 200, "alice"},
	})
}

func TestNewPasswordEndsOtherSessions(t *testing.T) {
	d := start(t)
	here, there := d.signIn(), d.signIn()
	d.play(http.DefaultClient, []step{
		{"password", call{method: "POST", path: "/password", token: here.Access, body: newWords}, 200, "other sessions are logged out"},
		{"me here", call{method: "GET", path: "/me", token: here.Access}, 200, "alice"},
		{"refresh here", call{method: "POST", path: "/auth/refresh", token: here.Refresh}, 200, "access_token"},
		{"me there", call{method: "GET", path: "/me", token: there.Access}, 401, "revoked"},
		{"refresh there", call{method: "POST", path: "/auth/refresh", token: there.Refresh}, 401, "revoked"},
		{"password there", call{method: "POST", path: "/password", token: there.Access, body: newWords}, 401, "revoked"},
	})
}

func TestCookies(t *testing.T) {
	d := start(t)
	d.signIn()
	b := browser(t)
	d.play(b, []step{{"log in", call{method: "POST", path: "/login?mode=cookie", body: alice}, 200, "csrf_token"}})
	csrf, first := d.cookie(b, "csrf_access_token"), d.cookie(b, "access_token_cookie")
	refreshCSRF := d.cookie(b, "csrf_refresh_token")
	d.play(b, []step{
		{"me", call{method: "GET", path: "/me"}, 200, "alice"},
		{"password without CSRF", call{method: "POST", path: "/password", body: newWords}, 403, "CSRF value is missing"},
		{"password, another CSRF value", call{method: "POST", path: "/password", body: newWords, csrf: refreshCSRF + "x"}, 403, "CSRF value does not belong"},
		{"password", call{method: "POST", path: "/password", body: newWords, csrf: csrf}, 200, "changed"},
		{"refresh without CSRF", call{method: "POST", path: "/web/refresh"}, 403, "CSRF value is missing"},
		{"refresh", call{method: "POST", path: "/web/refresh", csrf: refreshCSRF}, 200, "csrf_token"},
	})
	if now := d.cookie(b, "access_token_cookie"); now == first {
		t.Error("POST /web/refresh did not replace the access cookie")
	}
	csrf = d.cookie(b, "csrf_access_token")
	d.play(b, []step{
		{"password, stale", call{method: "POST", path: "/password", body: newWords, csrf: csrf}, 401, "fresh token"},
		{"logout without CSRF", call{method: "POST", path: "/web/logout"}, 403, "CSRF value is missing"},
		{"logout", call{method: "POST", path: "/web/logout", csrf: csrf}, 204, ""},
		{"me without cookies", call{method: "GET", path: "/me"}, 401, "No token"},
		{"me with a kept token", call{method: "GET", path: "/me", token: first}, 401, "revoked"},
	})
	if v := d.cookie(b, "access_token_cookie") + d.cookie(b, "refresh_token_cookie") + d.cookie(b, "csrf_access_token"); v != "" {
		t.Errorf("after logout the browser has %q", v)
	}
}

func TestRestart(t *testing.T) {
	args := []string{"-secret-file", secretFile(t), "-db", filepath.Join(t.TempDir(), "kept db?.sqlite")}
	d := start(t, args...)
	out, in := d.signIn(), d.signIn()
	d.play(http.DefaultClient, []step{{"logout", call{method: "POST", path: "/auth/logout", token: out.Access}, 204, ""}})
	if _, err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d = start(t, args...)
	d.play(http.DefaultClient, []step{
		{"kept session", call{method: "GET", path: "/me", token: in.Access}, 200, "alice"},
		{"revoked session", call{method: "GET", path: "/me", token: out.Access}, 401, "revoked"},
		{"revoked refresh", call{method: "POST", path: "/auth/refresh", token: out.Refresh}, 401, "revoked"},
	})
}

// TestGuide runs the commands that the demo prints, as a reader would.
func TestGuide(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	d := start(t)
	var script strings.Builder
	for line := range strings.Lines(d.guide) {
		if command, ok := strings.CutPrefix(line, "  "); ok {
			script.WriteString(command)
		}
	}
	sh := exec.Command("bash", "-eu", "-c", script.String())
	sh.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Fatalf("the guide: %v\n%s", err, out)
	}
	rest := string(out)
	for _, want := range []string{
		"Signed up as alice", "401 Unauthorized", "No token was sent", `"name":"alice"`, "Hello, stranger", "Hello, alice",
		"csrf_token", `"name":"alice"`, "The CSRF value is missing", "csrf_token", `"current":true`,
		`"name":"alice"`, "A fresh token is wanted here", "The password is changed", "revoked",
		"revoked", "revoked",
	} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("the guide's output lacks %q, or has it too early:\n%s", want, out)
		}
		rest = after
	}
}
