//go:build unix

// Package servers starts real database servers for tests: on free loopback ports, with
// their data in temporary directories, stopped when the test ends. Where a server is
// not installed the test is skipped, or fails when CI=true.
package servers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Server is a running server.
type Server struct {
	tb      testing.TB
	dir     string
	program string
	args    []string
	stop    os.Signal
	cmd     *exec.Cmd
	ended   chan error
	Addr    string // host:port
}

// Postgres starts PostgreSQL with further settings ("name=value"). User and database
// are "postgres"; no password is asked for.
func Postgres(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	initdb, postgres := find(tb, "initdb"), find(tb, "postgres")
	s := newServer(tb, postgres, syscall.SIGINT)
	s.run(initdb, "-D", s.dir+"/data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
	host, port, _ := net.SplitHostPort(s.Addr)
	s.args = []string{"-D", s.dir + "/data", "-h", host, "-p", port, "-c", "unix_socket_directories="}
	for _, setting := range settings {
		s.args = append(s.args, "-c", setting)
	}
	s.Start()
	return s
}

// MariaDB starts MariaDB with further options ("--name=value"). The user is "root"
// without a password, the database "test".
func MariaDB(tb testing.TB, options ...string) *Server {
	tb.Helper()
	install, mariadbd := find(tb, "mariadb-install-db"), find(tb, "mariadbd")
	s := newServer(tb, mariadbd, syscall.SIGTERM)
	s.run(install, "--no-defaults", "--datadir="+s.dir+"/data", "--auth-root-authentication-method=normal")
	host, port, _ := net.SplitHostPort(s.Addr)
	s.args = append([]string{
		"--no-defaults", "--datadir=" + s.dir + "/data", "--bind-address=" + host, "--port=" + port,
		"--socket=" + s.dir + "/sock", "--pid-file=" + s.dir + "/pid", "--innodb-buffer-pool-size=64M", "--skip-name-resolve",
	}, options...)
	s.Start()
	return s
}

// find looks for a program, also where Debian keeps those of PostgreSQL.
func find(tb testing.TB, name string) string {
	tb.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/sbin/", "/usr/local/sbin/"} {
		if paths, _ := filepath.Glob(pattern + name); len(paths) > 0 {
			return paths[len(paths)-1]
		}
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%s is not installed; run scripts/install-servers.sh", name)
	}
	tb.Skipf("%s is not installed; run scripts/install-servers.sh as root", name)
	return ""
}

func newServer(tb testing.TB, program string, stop os.Signal) *Server {
	tb.Helper()
	// Not TempDir: its path may be too long for a socket, and it belongs to another user.
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{tb: tb, dir: dir, program: program, stop: stop, Addr: freeAddr(tb)}
	tb.Cleanup(func() {
		s.signal(s.stop)
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	if uid, gid, ok := s.owner(); ok {
		if err := os.Chown(dir, uid, gid); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// freeAddr is a loopback address that nobody listened on a moment ago.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// owner is who runs the server where the test runs as root, which servers refuse.
func (s *Server) owner() (uid, gid int, ok bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid) // numbers on unix
			gid, _ := strconv.Atoi(u.Gid)
			return uid, gid, true
		}
	}
	s.tb.Fatal("running as root, and there is neither a user postgres nor nobody")
	return 0, 0, false
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the test is not the server's
	if uid, gid, ok := s.owner(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return cmd
}

func (s *Server) run(program string, args ...string) {
	s.tb.Helper()
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		s.tb.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Start starts the server, again after a Kill, and waits until it listens.
func (s *Server) Start() {
	s.tb.Helper()
	log, err := os.OpenFile(s.dir+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer log.Close()
	s.cmd = s.command(s.program, s.args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(s.cmd, s.ended)
	if err := s.waitListening(30 * time.Second); err != nil {
		text, _ := os.ReadFile(s.dir + "/log")
		s.tb.Fatalf("%s: %v\n%s", s.program, err, text)
	}
}

func (s *Server) waitListening(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not listening after %v: %w", limit, err)
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			return errors.Join(errors.New("ended at its start"), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the server as a crash would (SIGKILL), its helpers included.
func (s *Server) Kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
	s.ended <- errors.New("killed")
}

// signal asks the server to end, and makes it.
func (s *Server) signal(sig os.Signal) {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.Kill()
	}
}
