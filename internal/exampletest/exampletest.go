// Package exampletest builds and runs the example programs. It is for their tests, and is no
// part of the library.
package exampletest

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var binary string

// Main builds the program in the folder of the test, runs the tests and exits. Call it in
// TestMain.
func Main(m *testing.M) {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	binary = filepath.Join(folder, "program")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		log.Fatalf("go build: %v\n%s", err, out)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// Command returns a command that runs the program.
func Command(args ...string) *exec.Cmd { return exec.Command(binary, args...) }

// A Process is a running program.
type Process struct {
	In  io.Writer
	out *bufio.Reader
}

// Run starts the program. It ends with the test.
func Run(t *testing.T, args ...string) Process {
	t.Helper()
	cmd := Command(args...)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // was killed
	})
	return Process{in, bufio.NewReader(out)}
}

// Line returns the next line that the program prints.
func (p Process) Line(t *testing.T) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// Serve runs a program that listens on a free port, and returns the address that it prints.
func Serve(t *testing.T, args ...string) (address string) {
	t.Helper()
	line := Run(t, append([]string{"-addr", "127.0.0.1:0"}, args...)...).Line(t)
	address, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		t.Fatalf("the program says %q", line)
	}
	return address
}

// LogIn sends a name to the route /login and returns the access token of the answer.
func LogIn(t *testing.T, address, name string) string {
	t.Helper()
	resp, err := http.PostForm(address+"/login", url.Values{"name": {name}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Token
}

// Send sends a request, and returns the answer and its body. headers are pairs; those
// without a value are not sent.
func Send(t *testing.T, client *http.Client, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}
