//go:build unix

// Package servers starts real servers for tests, on free ports of the loopback interface
// and in temporary directories. It can also kill, freeze and restart them. All servers are
// stopped when the test ends.
//
// If a server's program is not installed, the test is skipped with a message. With CI=true
// in the environment it fails instead.
package servers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout is how long a server may take until it answers. It is generous:
// loaded machines are slow, and a server that is ready costs nothing of it.
const startTimeout = time.Minute

// A Process is one running server. Its methods fail the test when they cannot do
// what they say. They are not safe for concurrent use with each other.
type Process struct {
	t     testing.TB
	path  string
	args  []string
	dir   string
	log   string
	attr  *syscall.SysProcAttr
	env   []string // nil: that of the test
	ready func() error

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// Run starts any other server that listens on addr ("127.0.0.1:8080"), in a directory of
// its own, with env added to the test's environment. It returns when the server accepts
// connections, and stops it when the test ends.
func Run(t testing.TB, addr string, env []string, program string, args ...string) *Process {
	t.Helper()
	dir := t.TempDir()
	p := &Process{t: t, path: program, args: args, dir: dir, log: filepath.Join(dir, "server.log"),
		attr: attributes(), env: append(os.Environ(), env...)}
	p.ready = func() error {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	t.Cleanup(p.Kill)
	p.Start()
	return p
}

// Start starts the server, again with the same arguments and data after a Kill or
// Stop, and returns when it answers.
func (p *Process) Start() {
	p.t.Helper()
	p.StartUnready()
	deadline := time.Now().Add(startTimeout)
	for {
		err := p.ready()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s does not answer: %v\n%s", filepath.Base(p.path), err, p.tail())
		}
		time.Sleep(2 * time.Millisecond) // a real server: there is nothing to wait on
		if p.exited() {                  // as PostgreSQL does while children of a killed one live
			p.StartUnready()
		}
	}
}

// StartUnready is Start without waiting for the server to answer.
func (p *Process) StartUnready() {
	p.t.Helper()
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr, cmd.Env = p.dir, out, out, p.attr, p.env
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("start %s: %v", p.path, err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	p.mu.Lock()
	p.cmd, p.done = cmd, done
	p.mu.Unlock()
}

// Kill ends the server and its child processes with SIGKILL, as a crash of the machine
// would, and returns when the server is gone.
func (p *Process) Kill() {
	p.mu.Lock()
	cmd, done := p.cmd, p.done
	p.mu.Unlock()
	if cmd == nil || p.exited() {
		return
	}
	// attributes has made the server the leader of its group. A frozen one hears it too.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-done
}

// Freeze halts the server with SIGSTOP: it keeps its connections and answers nobody.
func (p *Process) Freeze() { p.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (p *Process) Thaw() { p.signal(syscall.SIGCONT) }

// PID returns the number of the process.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

func (p *Process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.PID(), s); err != nil {
		p.t.Errorf("signal %v to %s: %v", s, filepath.Base(p.path), err)
	}
}

func (p *Process) exited() bool {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// tail returns the end of the server's log.
func (p *Process) tail() string {
	text, _ := os.ReadFile(p.log)
	return string(text[max(0, len(text)-2000):])
}

// Need returns the path of the first program that is installed, or skips the test;
// with CI=true it fails.
func Need(t testing.TB, programs ...string) string {
	t.Helper()
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		if found, _ := filepath.Glob(name); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	message := fmt.Sprintf("%s is not installed; scripts/install-servers.sh installs it", programs[0])
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// given are the ports that FreePort has returned.
var given sync.Map

// FreePort returns a port of the loopback interface that nobody listens on, with
// the one 10,000 above it free as well, which Redis Cluster takes for its bus. No system
// gives such a port to a connection, and so none takes it while its server is down.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(10_000)
		if _, taken := given.LoadOrStore(port, true); !taken && free(port) && free(port+10_000) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func free(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// Eventually waits until f returns nil, and fails the test after limit.
func Eventually(t testing.TB, limit time.Duration, f func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", limit, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
