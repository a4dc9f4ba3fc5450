//go:build unix

package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Standby makes a copy of the server with pg_basebackup and starts it as a streaming
// standby on a port of its own.
func (p *Postgres) Standby(settings ...string) *Postgres {
	p.t.Helper()
	dir := publicDir(p.t, "gate-standby-")
	if os.Getuid() == 0 {
		surrender(p.t, dir)
	}
	data := filepath.Join(dir, "data")
	backup := exec.Command(filepath.Join(p.bin, "pg_basebackup"), "-h", "127.0.0.1", "-p", fmt.Sprint(p.port), "-U", "postgres",
		"-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	backup.Dir, backup.SysProcAttr = dir, p.attr
	if out, err := backup.CombinedOutput(); err != nil {
		p.t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	s := &Postgres{bin: p.bin, data: data, settings: settings}
	s.Process = &Process{t: p.t, path: p.path, dir: dir, log: filepath.Join(p.t.TempDir(), "standby.log"), attr: p.attr, ready: s.ping}
	s.listen(FreePort(p.t))
	p.t.Cleanup(s.Kill)
	s.Start()
	return s
}

// listen makes the next start be on a port.
func (p *Postgres) listen(port int) {
	p.port = port
	p.DSN = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	p.args = []string{"-D", p.data, "-p", fmt.Sprint(port), "-h", "127.0.0.1", "-k", p.dir}
	for _, s := range p.settings {
		p.args = append(p.args, "-c", s)
	}
}

// TakeOver starts the standby, which does not run, in the place of the primary, which
// does not run either, and promotes it.
func (p *Postgres) TakeOver(primary *Postgres) {
	p.t.Helper()
	p.StandIn(primary)
	p.Promote()
}

// Promote makes the standby a primary, and returns when it is one.
func (p *Postgres) Promote() {
	p.t.Helper()
	promote := exec.Command(filepath.Join(p.bin, "pg_ctl"), "promote", "-w", "-D", p.data)
	promote.Dir, promote.SysProcAttr = p.dir, p.attr
	if out, err := promote.CombinedOutput(); err != nil {
		p.t.Fatalf("pg_ctl promote: %v\n%s", err, out)
	}
	Eventually(p.t, startTimeout, func() error { return p.Psql("SELECT 1/(NOT pg_is_in_recovery())::int") })
}

// Psql runs statements as the superuser.
func (p *Postgres) Psql(statements string) error {
	psql := exec.Command(filepath.Join(p.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", fmt.Sprint(p.port), "-U", "postgres", "-c", statements)
	psql.Dir, psql.SysProcAttr = p.dir, p.attr
	if out, err := psql.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	return nil
}

// StandIn starts the standby, which does not run, in the place of the primary, which
// does not run either, and leaves it a standby.
func (p *Postgres) StandIn(primary *Postgres) {
	p.t.Helper()
	p.listen(primary.port)
	p.Start()
}
