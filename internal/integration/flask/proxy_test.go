//go:build unix

package flask_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/integration/servers"
)

// site is the larger example of docs/from-flask.md: nginx before Flask and Go, and Redis.
type site struct {
	t                   *testing.T
	proxy, python, gate string // addresses
}

// startSite runs the programs and the configuration in the folder site. Only the ports are
// others here.
func startSite(t *testing.T) *site {
	t.Helper()
	servers.Need(t, "/usr/lib/python3/dist-packages/flask_jwt_extended/__init__.py")
	servers.Need(t, "/usr/lib/python3/dist-packages/redis/__init__.py")
	nginx := servers.Need(t, "/usr/sbin/nginx", "nginx")
	python := servers.Need(t, "/usr/bin/python3")
	redis := servers.StartRedis(t, servers.Durable...)
	var others []string
	ports := map[string]string{}
	for _, shown := range []string{"8080", "8000", "5000"} {
		ports[shown] = fmt.Sprint(servers.FreePort(t))
		others = append(others, ":"+shown, ":"+ports[shown], "port="+shown, "port="+ports[shown])
	}
	dir := t.TempDir()
	for _, name := range []string{"app.py", "main.go", "site.conf"} {
		text, err := os.ReadFile(filepath.Join("site", name))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.NewReplacer(others...).Replace(string(text)))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "site")
	if out, err := exec.Command("go", "build", "-o", program, filepath.Join(dir, "main.go")).CombinedOutput(); err != nil {
		t.Fatalf("site/main.go: %v\n%s", err, out)
	}
	env := []string{"JWT_SECRET_KEY=" + secret, "REDIS_URL=redis://" + redis.Addr + "/0", "PYTHONDONTWRITEBYTECODE=1"}
	address := func(shown string) string { return net.JoinHostPort("127.0.0.1", ports[shown]) }
	servers.Run(t, address("5000"), env, python, filepath.Join(dir, "app.py"))
	servers.Run(t, address("8000"), env, program)
	servers.Run(t, address("8080"), nil, nginx, "-p", dir, "-e", "stderr", "-c", writeMain(t, dir))
	return &site{t, "http://" + address("8080"), "http://" + address("5000"), "http://" + address("8000")}
}

// writeMain writes what Debian has in /etc/nginx/nginx.conf, for a directory of the test's.
func writeMain(t *testing.T, dir string) string {
	t.Helper()
	text := "daemon off; pid nginx.pid; error_log stderr; worker_processes 1;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += fmt.Sprintf("%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(text+"include site.conf;\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// browser is a browser with its cookies.
type browser struct {
	*site
	client *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, &http.Client{Jar: jar}}
}

func (b *browser) cookie(name string) string {
	at, _ := url.Parse(b.proxy)
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// visit sends a request with the CSRF value of a cookie, if one is named.
func (b *browser) visit(method, target, csrfCookie, body string) (int, string) {
	b.t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if csrfCookie != "" {
		r.Header.Set("X-CSRF-TOKEN", b.cookie(csrfCookie))
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var answer map[string]string
	if err := json.Unmarshal(text, &answer); err != nil {
		b.t.Fatalf("%s %s: %d %s", method, target, res.StatusCode, text)
	}
	for name, v := range answer {
		return res.StatusCode, name + ": " + v
	}
	return res.StatusCode, ""
}

const credentials = `{"user":"alice","password":"secret"}`

// TestSite visits the set-up of the page.
func TestSite(t *testing.T) {
	s := startSite(t)
	t.Run("one site", func(t *testing.T) { oneSite(t, s) })
	t.Run("revoked at Flask", func(t *testing.T) { revokedAtFlask(t, s) })
}

// oneSite: a browser logs in at Flask, is known at Go, refreshes and logs out there, and
// then nobody accepts its tokens.
func oneSite(t *testing.T, s *site) {
	b, thief := s.browser(), s.browser()
	step := func(b *browser, method, path, csrfCookie, body string, status int, want string) {
		t.Helper()
		if got, answer := b.visit(method, s.proxy+path, csrfCookie, body); got != status || answer != want {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, got, answer, status, want)
		}
	}
	missing := `msg: Missing cookie "access_token_cookie"`
	step(b, "GET", "/profile", "", "", 401, missing)
	step(b, "GET", "/orders", "", "", 401, missing)
	step(b, "POST", "/login", "", credentials, 200, "msg: welcome")
	step(b, "GET", "/orders", "", "", 200, "orders_of: alice")
	step(b, "GET", "/profile", "", "", 200, "profile_of: alice")
	first := b.cookie("access_token_cookie")
	step(b, "POST", "/refresh", "csrf_access_token", "", 401, "msg: CSRF double submit tokens do not match")
	step(b, "POST", "/refresh", "csrf_refresh_token", "", 200, "msg: refreshed")
	if second := b.cookie("access_token_cookie"); second == first || second == "" {
		t.Error("the access cookie is not a new one")
	}
	step(b, "GET", "/orders", "", "", 200, "orders_of: alice") // a token that Go has made
	at, _ := url.Parse(s.proxy)
	thief.client.Jar.SetCookies(at, b.client.Jar.Cookies(at))
	step(b, "POST", "/logout", "", "", 401, "msg: Missing CSRF token")
	step(b, "POST", "/logout", "csrf_access_token", "", 200, "msg: goodbye")
	if left := b.client.Jar.Cookies(at); len(left) > 0 {
		t.Errorf("cookies left: %v", left)
	}
	step(b, "GET", "/orders", "", "", 401, missing)
	step(thief, "GET", "/orders", "", "", 401, "msg: Token has been revoked")
	step(thief, "GET", "/profile", "", "", 401, "msg: Token has been revoked")
	step(thief, "POST", "/refresh", "csrf_refresh_token", "", 401, "msg: Token has been revoked")
}

// revokedAtFlask: the other way round, at the sides themselves.
func revokedAtFlask(t *testing.T, s *site) {
	b, thief := s.browser(), s.browser()
	if status, answer := b.visit("POST", s.python+"/login", "", credentials); status != 200 {
		t.Fatal(status, answer)
	}
	at, _ := url.Parse(s.proxy)
	thief.client.Jar.SetCookies(at, b.client.Jar.Cookies(at))
	if status, answer := thief.visit("GET", s.gate+"/profile", "", ""); status != 200 {
		t.Errorf("before: %d %s", status, answer)
	}
	if status, answer := b.visit("POST", s.python+"/logout", "csrf_access_token", ""); status != 200 {
		t.Errorf("logout: %d %s", status, answer)
	}
	if status, answer := thief.visit("GET", s.gate+"/profile", "", ""); status != 401 || answer != "msg: Token has been revoked" {
		t.Errorf("after: %d %s", status, answer)
	}
}
