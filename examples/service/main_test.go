package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
)

// build compiles the service.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "service")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// start runs the service and returns its URL; it has to end well when it is told to.
func start(t *testing.T, i issuers) string {
	t.Helper()
	cmd := exec.Command(build(t), append(i.flags(), "-addr", "127.0.0.1:0")...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	if err != nil || !ok {
		t.Fatalf("the service said %q, %v", line, err)
	}
	return url
}

// send returns the status and the body of an answer.
func send(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func TestService(t *testing.T) {
	i := newIssuers(t)
	login, entra, keycloak := i.login, i.entra, i.keycloak
	url := start(t, i)
	const bread = `{"item":"bread"}`
	for _, step := range []struct {
		name, method, token, body string
		status                    int
		answer                    string // part of it
	}{
		{"no token", "GET", "", "", 401, "Authorization"},
		{"alice has no orders", "GET", login.token(t, nil), "", 200, "[]"},
		{"alice orders bread", "POST", login.token(t, nil), bread, 201, bread},
		{"alice sees it", "GET", login.token(t, claims{"scope": "orders:read"}), "", 200, "[" + bread + "]"},
		{"an order that is none", "POST", login.token(t, nil), `{}`, 400, "bread"},
		{"alice of Entra is somebody else", "GET", entra.token(t, nil), "", 200, "[]"},
		{"alice of Keycloak as well", "GET", keycloak.token(t, nil), "", 200, "[]"},
		{"staff order", "POST", entra.token(t, nil), bread, 201, bread},
		{"customers order", "POST", keycloak.token(t, nil), bread, 201, bread},
		{"tokens of the login service need a type", "GET", login.token(t, claims{"type": nil}), "", 401, "claim type"},
		{"without the scope to write", "POST", login.token(t, claims{"scope": "orders:read"}), bread, 403, "scope"},
		{"without a scope", "GET", entra.token(t, claims{"scp": nil}), "", 403, "scope"},
		{"alice deletes them after a login", "DELETE", login.token(t, claims{"fresh": true}), "", 204, ""},
		{"not without", "DELETE", login.token(t, claims{"fresh": false}), "", 401, "log in again"},
		{"a customer, after a login", "DELETE", keycloak.token(t, claims{"auth_time": time.Now().Unix()}), "", 204, ""},
		{"an hour later", "DELETE", keycloak.token(t, claims{"auth_time": time.Now().Add(-time.Hour).Unix()}), "", 401, "log in again"},
		{"a customer who wrote the claim of a gate", "DELETE", keycloak.token(t, claims{"fresh": true}), "", 401, "log in again"},
		{"staff, whose tokens do not say it", "DELETE", entra.token(t, claims{"fresh": true, "auth_time": time.Now().Unix()}), "", 403, "never fresh"},
		{"an issuer that nobody knows", "GET", login.token(t, claims{"iss": "https://evil.example"}), "", 401, "issuer"},
		{"for another service", "GET", login.token(t, claims{"aud": "billing"}), "", 401, "audience"},
		{"for the audience of Entra's tokens", "GET", login.token(t, claims{"aud": "api://orders"}), "", 401, "audience"},
		{"expired", "GET", login.token(t, claims{"exp": time.Now().Add(-time.Minute)}), "", 401, "expired"},
		{"changed on the way", "GET", gatetest.Tampered(login.token(t, nil)), "", 401, "signature"},
	} {
		status, answer := send(t, step.method, url+"/orders", step.token, step.body)
		if status != step.status || !strings.Contains(answer, step.answer) {
			t.Errorf("%s: %d %s, want %d with %q", step.name, status, answer, step.status, step.answer)
		}
	}
	for name, token := range i.foreign(t) {
		if status, answer := send(t, "GET", url+"/orders", token, ""); status != 401 {
			t.Errorf("%s: %d %s, want 401", name, status, answer)
		}
	}
	if status, answer := send(t, "GET", url+"/readyz", "", ""); status != 200 || answer != "ready" {
		t.Errorf("readyz: %d %s", status, answer)
	}
}

// An issuer whose keys cannot be fetched locks nobody out but its own users. One whose
// document cannot be fetched stops the service from starting.
func TestIssuerDown(t *testing.T) {
	i := newIssuers(t)
	i.entra.down.Store(true)
	url := start(t, i)
	for _, step := range []struct {
		name, path, token string
		want              int
	}{
		{"a token of the login service", "/orders", i.login.token(t, nil), 200},
		{"a token of Keycloak", "/orders", i.keycloak.token(t, nil), 200},
		{"a token of Entra", "/orders", i.entra.token(t, nil), 503},
		{"a token of nobody", "/orders", i.login.token(t, claims{"iss": nil}), 401},
		{"is it ready", "/readyz", "", 503},
	} {
		if status, answer := send(t, "GET", url+step.path, step.token, ""); status != step.want {
			t.Errorf("%s: %d %s, want %d", step.name, status, answer, step.want)
		}
	}
	i.keycloak.server.Close()
	if err := run(t.Context(), append(i.flags(), "-addr", "127.0.0.1:0"), io.Discard); err == nil || !strings.Contains(err.Error(), i.keycloak.server.URL) {
		t.Errorf("without the document of Keycloak the service ends with %v", err)
	}
}

func TestArguments(t *testing.T) {
	i := newIssuers(t)
	for name, args := range map[string][]string{
		"keys by http":             {"-login-keys", "http://login.example/jwks.json"},
		"a URL that is none":       {"-login-keys", "keys.json"},
		"a tenant by http":         {"-entra", "http://login.example/tenant/v2.0"},
		"a realm of another name":  {"-keycloak", i.keycloak.name + "/"},
		"an address that is none":  {"-addr", "x:y"},
		"an argument that is none": {"-x"},
	} {
		if err := run(t.Context(), append(i.flags(), args...), io.Discard); err == nil {
			t.Errorf("%s: the service runs", name)
		}
	}
}

// TestLines: what the program has to say about authentication is said in 14 lines,
// and no such line is left uncounted.
func TestLines(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(text), "\n)\n") // behind the imports
	if !found {
		t.Fatal("main.go has no imports")
	}
	marked := 0
	for line := range strings.Lines(code) {
		line = strings.TrimSpace(line)
		switch about := regexp.MustCompile(`\b(gate|keys|jwks|oidc|g)\.[A-Z]`).MatchString(line); {
		case strings.HasSuffix(line, "// auth"):
			marked++
		case about && !strings.HasPrefix(line, "//"):
			t.Errorf("not marked: %s", line)
		}
	}
	if marked > 14 {
		t.Errorf("%d lines about authentication, want 14 at most", marked)
	}
	if marked < 5 {
		t.Errorf("%d lines are marked, which cannot be all", marked)
	}
}
