//go:build unix

package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/integration/servers"
)

var (
	readmeProgram = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")
	curlBlock     = regexp.MustCompile("(?s)```sh\n([^`]*\\bcurl\\b.*?)```")
)

// TestReadme runs the README's program, and after it the lines with curl that follow it.
// Only the port is another one.
func TestReadme(t *testing.T) {
	servers.Need(t, "curl")
	text, err := os.ReadFile(repository("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := readmeProgram.FindSubmatchIndex(text)
	if at == nil {
		t.Fatal("README.md has no program")
	}
	const port = "127.0.0.1:8080"
	addr := fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))
	program := strings.ReplaceAll(string(text[at[2]:at[3]]), port, addr)
	block := curlBlock.FindStringSubmatch(string(text[at[1]:]))
	if block == nil || !strings.Contains(program, addr) {
		t.Fatalf("README.md has no lines with curl after its program, or that does not serve at %s", port)
	}
	servers.Run(t, addr, nil, build(t, program))
	commands := strings.ReplaceAll(block[1], port, addr)
	// -S prints errors, -f makes statuses from 400 on an error.
	shell := "set -eu; curl() { command curl -sSf \"$@\"; }\n" + commands
	out, err := exec.Command("sh", "-c", shell).CombinedOutput()
	if err != nil || string(out) != "you are alice\n" {
		t.Errorf("%s\nprints %q, %v", commands, out, err)
	}
	if out, err := exec.Command("curl", "-sS", "-w", " %{http_code}", "http://"+addr+"/me").CombinedOutput(); err != nil || !strings.HasSuffix(string(out), " 401") {
		t.Errorf("without a token: %q, %v", out, err)
	}
}

// build compiles a program in the root module.
func build(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", binary, file)
	cmd.Dir = repository("")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}
