package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// issuer plays one of the two that the service knows.
type issuer struct {
	name, audience string
	key            *keys.Key
	server         *httptest.Server // of its keys
}

func newIssuer(t *testing.T, alg keys.Algorithm, name, audience string) issuer {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.NewSet(nil, key.WithID("2030-01"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(jwks.Handler(set, time.Minute))
	t.Cleanup(server.Close)
	return issuer{name, audience, set.Keys()[0], server}
}

// token is one of alice that may read and write orders, with changes.
func (i issuer) token(t *testing.T, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{"iss": i.name, "aud": i.audience, "scope": "orders:read orders:write"}
	for name, v := range changes {
		claims[name] = v
	}
	return gatetest.Token(t, i.key, claims)
}

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
func start(t *testing.T, login, partner issuer) string {
	t.Helper()
	cmd := exec.Command(build(t), "-addr", "127.0.0.1:0", "-dev", "-login-keys", login.server.URL, "-partner-keys", partner.server.URL)
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
	login := newIssuer(t, keys.ES256, "https://login.example", "orders")
	partner := newIssuer(t, keys.RS256, "https://partner.example", "orders-api")
	url := start(t, login, partner)
	const bread = `{"item":"bread"}`
	for _, step := range []struct {
		name, method, token, body string
		status                    int
		answer                    string // part of it
	}{
		{"no token", "GET", "", "", 401, "Authorization"},
		{"alice has no orders", "GET", login.token(t, nil), "", 200, "[]"},
		{"alice orders bread", "POST", login.token(t, nil), bread, 201, bread},
		{"alice sees it", "GET", login.token(t, map[string]any{"scope": "orders:read"}), "", 200, "[" + bread + "]"},
		{"an order that is none", "POST", login.token(t, nil), `{}`, 400, "bread"},
		{"the partner's alice is somebody else", "GET", partner.token(t, nil), "", 200, "[]"},
		{"the partner's tokens need no type and no jti", "GET", partner.token(t, map[string]any{"type": nil, "jti": nil}), "", 200, "[]"},
		{"those of the login service do", "GET", login.token(t, map[string]any{"type": nil}), "", 401, "claim type"},
		{"without the scope to write", "POST", login.token(t, map[string]any{"scope": "orders:read"}), bread, 403, "scope"},
		{"without a scope", "GET", partner.token(t, map[string]any{"scope": nil}), "", 403, "scope"},
		{"scopes as a list", "GET", partner.token(t, map[string]any{"scope": nil, "scp": []string{"orders:read"}}), "", 200, "[]"},
		{"the partner says it is the login service", "GET", partner.token(t, map[string]any{"iss": login.name, "aud": login.audience}), "", 401, "algorithm"},
		{"an issuer that nobody knows", "GET", login.token(t, map[string]any{"iss": "https://evil.example"}), "", 401, "issuer"},
		{"for another service", "GET", login.token(t, map[string]any{"aud": "billing"}), "", 401, "audience"},
		{"for the audience of the partner's tokens", "GET", login.token(t, map[string]any{"aud": partner.audience}), "", 401, "audience"},
		{"expired", "GET", login.token(t, map[string]any{"exp": time.Now().Add(-time.Minute)}), "", 401, "expired"},
		{"changed on the way", "GET", gatetest.Tampered(login.token(t, nil)), "", 401, "signature"},
	} {
		status, answer := send(t, step.method, url+"/orders", step.token, step.body)
		if status != step.status || !strings.Contains(answer, step.answer) {
			t.Errorf("%s: %d %s, want %d with %q", step.name, status, answer, step.status, step.answer)
		}
	}
	if status, answer := send(t, "GET", url+"/readyz", "", ""); status != 200 || answer != "ready" {
		t.Errorf("readyz: %d %s", status, answer)
	}
}

// A partner whose key server is down locks nobody out but its own users.
func TestPartnerDown(t *testing.T) {
	login := newIssuer(t, keys.ES256, "https://login.example", "orders")
	partner := newIssuer(t, keys.RS256, "https://partner.example", "orders-api")
	partner.server.Close()
	url := start(t, login, partner)
	for _, step := range []struct {
		name, path, token string
		want              int
	}{
		{"a token of the login service", "/orders", login.token(t, nil), 200},
		{"a token of the partner", "/orders", partner.token(t, nil), 503},
		{"a token of nobody", "/orders", login.token(t, map[string]any{"iss": nil}), 401},
		{"is it ready", "/readyz", "", 503},
	} {
		if status, answer := send(t, "GET", url+step.path, step.token, ""); status != step.want {
			t.Errorf("%s: %d %s, want %d", step.name, status, answer, step.want)
		}
	}
}

func TestArguments(t *testing.T) {
	for name, args := range map[string][]string{
		"keys by http":             {"-login-keys", "http://login.example/jwks.json"},
		"a URL that is none":       {"-partner-keys", "keys.json"},
		"an address that is none":  {"-addr", "x:y"},
		"an argument that is none": {"-x"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%s: the service runs", name)
		}
	}
}

// TestLines: what the program has to say about authentication is said in a dozen lines,
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
		switch about := regexp.MustCompile(`\b(gate|keys|jwks|g)\.[A-Z]`).MatchString(line); {
		case strings.HasSuffix(line, "// auth"):
			marked++
		case about && !strings.HasPrefix(line, "//"):
			t.Errorf("not marked: %s", line)
		}
	}
	if marked > 12 {
		t.Errorf("%d lines about authentication, want 12 at most", marked)
	}
	if marked < 5 {
		t.Errorf("%d lines are marked, which cannot be all", marked)
	}
}
