//go:build unix

package browser_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jwtgate/gate/internal/integration/servers"
)

// built is the folder of the programs that tests have built. TestMain removes it.
var built struct {
	sync.Mutex
	dir string
}

// buildExample builds a program of the folder examples, once for all tests.
func buildExample(t testing.TB, name string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "examples")
		if err != nil {
			t.Fatal(err)
		}
		built.dir = dir
	}
	program := filepath.Join(built.dir, name)
	if _, err := os.Stat(program); err == nil {
		return program
	}
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "..", "examples", name)
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", name, err, out)
	}
	return program
}

// startExample builds and starts a program of the folder examples, and returns its address.
func startExample(t testing.TB, name string, args ...string) string {
	t.Helper()
	servers.Need(t, browsers...)
	program := buildExample(t, name)
	addr := net.JoinHostPort("127.0.0.1", fmt.Sprint(servers.FreePort(t)))
	servers.Run(t, addr, nil, program, append([]string{"-addr", addr}, args...)...)
	return "http://" + addr
}
