//go:build unix

package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// StartPgBouncer starts a pooler in transaction mode before a PostgreSQL server, with
// few connections to it, and returns a DSN of its database "postgres". pgx must not
// prepare statements there.
func StartPgBouncer(t testing.TB, p *Postgres) (dsn string) {
	t.Helper()
	program := Need(t, "pgbouncer", "/usr/sbin/pgbouncer")
	dir, err := os.MkdirTemp("", "gate-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port, config := FreePort(t), filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\npostgres = host=127.0.0.1 port=%d dbname=postgres user=postgres\n"+
		"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = any\n"+
		"pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 200\n", p.port, port)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	attr := attributes()
	if os.Getuid() == 0 {
		attr.Credential = surrender(t, dir)
	}
	ready := func() error {
		return exec.Command(filepath.Join(p.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", fmt.Sprint(port)).Run()
	}
	b := &Process{t: t, path: program, args: []string{config}, dir: dir, log: filepath.Join(t.TempDir(), "pgbouncer.log"), attr: attr, ready: ready}
	t.Cleanup(b.Kill)
	b.Start()
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable&default_query_exec_mode=exec", port)
}
