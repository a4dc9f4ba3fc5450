//go:build unix

package servers

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// A Postgres is one running PostgreSQL server.
type Postgres struct {
	*Process
	DSN  string // of its database "postgres", without TLS
	bin  string
	data string
	port int
	// settings are given at each start.
	settings []string
}

// StartPostgres initializes a database in a temporary directory and starts a server
// on it. Each setting is of the form "synchronous_commit=off". As root the server
// runs as the user postgres, since it refuses to run as root.
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()
	return StartPostgresIn(t, publicDir(t, "gate-postgres-"), settings...)
}

// publicDir is a temporary directory that other users can reach, where that of the test
// is closed to them.
func publicDir(t testing.TB, prefix string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// StartPostgresIn is StartPostgres with the data in a directory of the caller's.
func StartPostgresIn(t testing.TB, dir string, settings ...string) *Postgres {
	t.Helper()
	initdb := Need(t, "initdb", "/usr/lib/postgresql/*/bin/initdb")
	if real, err := filepath.EvalSymlinks(initdb); err == nil {
		initdb = real // its neighbours are where it really is
	}
	attr := attributes()
	if os.Getuid() == 0 {
		attr.Credential = surrender(t, dir)
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(initdb, "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	init.Dir, init.SysProcAttr = dir, attr
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p := &Postgres{bin: filepath.Dir(initdb), data: data, settings: settings}
	p.Process = &Process{t: t, path: filepath.Join(p.bin, "postgres"), dir: dir,
		log: filepath.Join(t.TempDir(), "postgres.log"), attr: attr, ready: p.ping}
	p.listen(FreePort(t))
	t.Cleanup(p.Kill)
	p.Start()
	return p
}

// surrender gives dir to the user postgres and returns how to run as it.
func surrender(t testing.TB, dir string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("as root a user postgres is needed: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *Postgres) ping() error {
	return exec.Command(filepath.Join(p.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", fmt.Sprint(p.port)).Run()
}
