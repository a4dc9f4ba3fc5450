package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// logIn logs alice in with the wishes of query.
func (d *demo) logIn(query string) tokens {
	d.t.Helper()
	return d.tokens(call{method: "POST", path: "/login?" + query, body: alice})
}

func TestRoutesOfThePage(t *testing.T) {
	d := start(t)
	plain := d.signIn()
	scoped := d.logIn("scope=reports:read")
	greedy := d.logIn("scope=everything")
	get := func(path, token string) call { return call{method: "GET", path: path, token: token} }
	role := func(admin string) call {
		return call{method: "POST", path: "/role", token: plain.Access, body: `{"admin":` + admin + `}`}
	}
	d.play(http.DefaultClient, []step{
		{"open", get("/open", ""), 200, "Everybody"},
		{"fresh", get("/secrets", plain.Access), 200, "secret"},
		{"no scope", get("/reports", plain.Access), 403, "scope"},
		{"scope", get("/reports", scoped.Access), 200, "reports:read"},
		{"a scope that nobody gets", get("/reports", greedy.Access), 403, "scope"},
		{"no admin", get("/admin", plain.Access), 403, "not accepted"},
		{"become one", role("true"), 200, `"admin":true`},
		{"admin, with the same token", get("/admin", plain.Access), 200, "admin"},
		{"and with another one", get("/admin", scoped.Access), 200, "admin"},
		{"be none", role("false"), 200, `"admin":false`},
		{"admin no longer", get("/admin", plain.Access), 403, "not accepted"},
		{"a role for nobody", call{method: "POST", path: "/role", body: `{"admin":true}`}, 401, "No token"},
		{"in the URL", get("/me?access_token="+plain.Access, ""), 200, "alice"},
		{"in a body", call{method: "POST", path: "/me", body: `{"access_token":"` + plain.Access + `"}`}, 200, "alice"},
		{"refresh in a body", call{method: "POST", path: "/auth/refresh", body: `{"refresh_token":"` + scoped.Refresh + `"}`}, 200, "access_token"},
	})
}

// claimsOf reads a token as everybody can.
func claimsOf(t *testing.T, raw string) (c struct {
	Exp, Iat int64
	Fresh    any
}) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLifetimes(t *testing.T) {
	d := start(t)
	d.signIn()
	for query, want := range map[string]int64{"": 900, "access_seconds=30": 30, "access_seconds=1": 900, "access_seconds=999999": 900, "access_seconds=x": 900} {
		in := d.logIn(query)
		for what, raw := range map[string]string{"login": in.Access, "refresh": d.tokens(call{method: "POST", path: "/auth/refresh", token: in.Refresh}).Access} {
			if c := claimsOf(t, raw); c.Exp-c.Iat < want-1 || c.Exp-c.Iat > want+1 {
				t.Errorf("%s with %q: an access token lives %d s, want %d", what, query, c.Exp-c.Iat, want)
			}
		}
	}
}

// A confirmed password makes a token fresh, and only for a while.
func TestConfirm(t *testing.T) {
	d := start(t)
	in := d.signIn()
	stale := d.tokens(call{method: "POST", path: "/auth/refresh", token: in.Refresh})
	confirm := func(password string) call {
		return call{method: "POST", path: "/confirm", token: stale.Access, body: `{"password":"` + password + `"}`}
	}
	d.play(http.DefaultClient, []step{
		{"stale", call{method: "GET", path: "/secrets", token: stale.Access}, 401, "fresh"},
		{"wrong password", confirm("correct horse mule"), 403, "Wrong password"},
		{"no token", call{method: "POST", path: "/confirm", body: `{"password":"correct horse battery"}`}, 401, "No token"},
	})
	fresh := d.tokens(confirm("correct horse battery"))
	if c := claimsOf(t, fresh.Access); c.Fresh == true || c.Fresh == false {
		t.Errorf("the confirmed token has fresh = %v, want a time", c.Fresh)
	}
	d.play(http.DefaultClient, []step{
		{"fresh", call{method: "GET", path: "/secrets", token: fresh.Access}, 200, "secret"},
		{"logout", call{method: "POST", path: "/auth/logout", token: stale.Access}, 204, ""},
		{"it belongs to the same session", call{method: "GET", path: "/me", token: fresh.Access}, 401, "revoked"},
	})
}

// With cookies the confirmed token is in a cookie too, and the server decodes both.
func TestCookieViews(t *testing.T) {
	d := start(t)
	d.signIn()
	b := browser(t)
	d.play(b, []step{{"log in", call{method: "POST", path: "/login?mode=cookie&device=Phone", body: alice}, 200, "csrf_token"}})
	csrf := d.cookie(b, "csrf_access_token")
	d.play(b, []step{
		{"access", call{method: "GET", path: "/claims"}, 200, `"type":"access"`},
		{"refresh", call{method: "GET", path: "/web/claims"}, 200, `"type":"refresh"`},
		{"key", call{method: "GET", path: "/claims"}, 200, `"kid":"first"`},
		{"devices", call{method: "GET", path: "/web/sessions"}, 200, `"name":"Phone"`},
		{"confirm", call{method: "POST", path: "/confirm", body: `{"password":"correct horse battery"}`, csrf: csrf}, 200, "csrf_token"},
		{"still logged in", call{method: "GET", path: "/secrets"}, 200, "secret"},
	})
	d.play(http.DefaultClient, []step{
		{"access of nobody", call{method: "GET", path: "/claims"}, 401, "No token"},
		{"refresh of nobody", call{method: "GET", path: "/web/claims"}, 401, "No token"},
	})
}

func TestSplit(t *testing.T) {
	d := start(t)
	d.signIn()
	b := browser(t)
	status, body := d.do(b, call{method: "POST", path: "/login?mode=split", body: alice})
	if status != 200 || !strings.Contains(body, "access_token") || strings.Contains(body, "refresh_token") {
		t.Fatalf("login = %d %s, want the access token alone", status, body)
	}
	d.play(b, []step{
		{"no access cookie", call{method: "GET", path: "/me"}, 401, "No token"},
		{"refresh without CSRF", call{method: "POST", path: "/web/split/refresh"}, 403, "CSRF value is missing"},
		{"refresh", call{method: "POST", path: "/web/split/refresh", csrf: d.cookie(b, "csrf_refresh_token")}, 200, "access_token"},
	})
}

// A new key signs, and tokens of the old one stay valid.
func TestRotateKey(t *testing.T) {
	d := start(t)
	in := d.signIn()
	rotate := call{method: "POST", path: "/keys/rotate", token: in.Access}
	d.play(http.DefaultClient, []step{
		{"by nobody", call{method: "POST", path: "/keys/rotate"}, 401, "No token"},
		{"rotate", rotate, 200, `"phase":"retiring"`},
		{"old token", call{method: "GET", path: "/me", token: in.Access}, 200, "alice"},
		{"old refresh token", call{method: "POST", path: "/auth/refresh", token: in.Refresh}, 200, "access_token"},
	})
	if header, _, _ := strings.Cut(d.signIn().Access, "."); strings.HasPrefix(in.Access, header) {
		t.Error("the new token has the header of the old key")
	}
	for range maxKeys - 2 {
		d.play(http.DefaultClient, []step{{"again", rotate, 200, "retiring"}})
	}
	d.play(http.DefaultClient, []step{
		{"too often", rotate, 409, "8 keys"},
		{"list", call{method: "GET", path: "/keys"}, 200, `"id":"first"`},
	})
}

// Each browser sees its own events, and no token.
func TestEvents(t *testing.T) {
	d := start(t)
	mine, other := browser(t), browser(t)
	for _, b := range []*http.Client{mine, other} {
		d.play(b, []step{{"first", call{method: "GET", path: "/events"}, 200, `"new":true`}})
	}
	d.play(mine, []step{{"sign up", call{method: "POST", path: "/signup", body: alice}, 201, ""}})
	_, body := d.do(mine, call{method: "POST", path: "/login", body: alice})
	var in tokens
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	d.play(mine, []step{
		{"refused", call{method: "GET", path: "/me?access_token=" + in.Refresh}, 401, "access token is wanted"},
		{"forged", call{method: "GET", path: "/me", token: in.Access[:len(in.Access)-1]}, 401, "signature"},
	})
	_, list := d.do(mine, call{method: "GET", path: "/events?after=0"})
	for _, want := range []string{
		`"request":"POST /login","name":"token.created","type":"refresh"`, `"name":"session.started"`,
		`"request":"GET /me","name":"token.refused"`, `"reason":"access_wanted"`, `"location":"query"`, `"reason":"signature_encoding"`, `"new":false`,
	} {
		if !strings.Contains(list, want) {
			t.Errorf("the events lack %s:\n%s", want, list)
		}
	}
	for _, part := range strings.Split(in.Access+"."+in.Refresh, ".") {
		if strings.Contains(list, part) {
			t.Errorf("the events show a part of a token: %s", list)
		}
	}
	d.play(other, []step{{"of the other", call{method: "GET", path: "/events"}, 200, `"events":[]`}})
	d.play(mine, []step{{"only newer ones", call{method: "GET", path: "/events?after=5"}, 200, `"events":[]`}})
}

// The journal forgets old events and old viewers.
func TestJournalIsBounded(t *testing.T) {
	j := newJournal()
	first := j.admit()
	for range maxViewers - 1 {
		j.admit()
	}
	ctx := context.WithValue(t.Context(), visitKey{}, visit{first, "GET /"})
	for range maxEntries + 10 {
		j.add(ctx, gate.Event{Name: "x"})
	}
	list, known := j.after(first, 0)
	if !known || len(list) != maxEntries || list[0].N != 11 || list[maxEntries-1].N != maxEntries+10 {
		t.Errorf("%d events, the first %d, %v; want the newest %d", len(list), list[0].N, known, maxEntries)
	}
	j.admit()
	if _, known := j.after(first, 0); known || len(j.entries) != maxViewers {
		t.Errorf("%d viewers, the oldest known: %v; want %d without it", len(j.entries), known, maxViewers)
	}
	j.add(ctx, gate.Event{Name: "x"})
	j.add(t.Context(), gate.Event{Name: "x"})
	if len(j.entries) != maxViewers {
		t.Error("an event of nobody is kept")
	}
}

// The attacker's page has a form for the demo, and the gate refuses it: from another port
// for its origin, from another site for want of a cookie.
func TestAttackersForm(t *testing.T) {
	d := start(t)
	d.signIn()
	_, page := d.fetch("/")
	evil := "http://127.0.0.1:" + regexp.MustCompile(`data-evil-port="(\d+)"`).FindStringSubmatch(page)[1]
	res, err := http.Get(evil + "/?to=127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	form := ""
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		form += lines.Text()
	}
	if !strings.Contains(form, `action="`+d.url+`/web/logout/all"`) {
		t.Fatalf("the attacker's form does not aim at %s: %s", d.url, form)
	}
	b := browser(t)
	d.play(b, []step{{"log in", call{method: "POST", path: "/login?mode=cookie", body: alice}, 200, ""}})
	for _, tt := range []struct {
		name, site string
		client     *http.Client
		status     int
	}{
		{"another port", "same-site", b, 403},
		{"another site, whose browser keeps the cookies back", "cross-site", http.DefaultClient, 401},
	} {
		r, err := http.NewRequest("POST", d.url+"/web/logout/all", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", evil)
		r.Header.Set("Sec-Fetch-Site", tt.site)
		res, err := tt.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, res.StatusCode, tt.status)
		}
	}
	d.play(b, []step{{"still logged in", call{method: "GET", path: "/me"}, 200, "alice"}})
}

func TestPortIsTaken(t *testing.T) {
	d := start(t)
	out, err := exec.Command(binary, "-addr", strings.TrimPrefix(d.url, "http://")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "-addr 127.0.0.1:0") {
		t.Errorf("a taken port: %v, %s; want the way out", err, out)
	}
}

func TestGuideBeginsWithTheAddress(t *testing.T) {
	if d := start(t); !strings.HasPrefix(d.guide, "Open "+d.url+" in a browser") {
		t.Errorf("the demo prints first: %.60q", d.guide)
	}
}

func TestOpen(t *testing.T) {
	for system, want := range map[string]string{"darwin": "open", "windows": "rundll32 url.dll,FileProtocolHandler", "linux": "xdg-open", "freebsd": "xdg-open"} {
		if got := strings.Join(opener(system), " "); got != want {
			t.Errorf("opener(%q) = %q, want %q", system, got, want)
		}
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if d := start(t, "-open"); !strings.Contains(d.next(t), "No browser could be opened") {
		t.Error("without a browser there is no note")
	}
	name, file := filepath.Join(dir, opener(runtime.GOOS)[0]), filepath.Join(dir, "opened")
	if err := os.WriteFile(name, []byte("#!/bin/sh\necho \"$1\" >"+file+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := start(t, "-open")
	var opened []byte
	for end := time.Now().Add(time.Minute); len(opened) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		opened, _ = os.ReadFile(file) // not there yet
	}
	if string(opened) != d.url+"\n" {
		t.Errorf("the browser was opened with %q, want %s", opened, d.url)
	}
}

// next is the next line that the demo prints.
func (d *demo) next(t *testing.T) string {
	t.Helper()
	for {
		line, err := d.rest.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(line) != "" {
			return line
		}
	}
}
