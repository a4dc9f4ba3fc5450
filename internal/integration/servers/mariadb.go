//go:build unix

package servers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A MariaDB is one running MariaDB server.
type MariaDB struct {
	*Process
	DSN  string // of its database "test", for go-sql-driver/mysql
	addr string
}

// StartMariaDB initializes a database in a temporary directory and starts a server on
// it. Each option is of the form "--innodb-flush-log-at-trx-commit=0". As root the
// server runs as the user postgres, who owns nothing that matters to it.
func StartMariaDB(t testing.TB, options ...string) *MariaDB {
	t.Helper()
	return StartMariaDBIn(t, publicDir(t, "gate-mariadb-"), options...)
}

// StartMariaDBIn is StartMariaDB with the data in a directory of the caller's.
func StartMariaDBIn(t testing.TB, dir string, options ...string) *MariaDB {
	t.Helper()
	install := Need(t, "mariadb-install-db")
	program := Need(t, "mariadbd", "/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd")
	attr := attributes()
	if os.Getuid() == 0 {
		attr.Credential = surrender(t, dir)
	}
	// A server that starts removes all temporary tables in the folder for them.
	data, temp := "--datadir="+filepath.Join(dir, "data"), "--tmpdir="+dir
	init := exec.Command(install, "--no-defaults", data, temp, "--auth-root-authentication-method=normal")
	init.Dir, init.SysProcAttr = dir, attr
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	m := &MariaDB{addr: fmt.Sprint("127.0.0.1:", FreePort(t))}
	m.DSN = "root@tcp(" + m.addr + ")/test"
	_, port, _ := net.SplitHostPort(m.addr)
	args := append([]string{
		"--no-defaults", data, temp, "--bind-address=127.0.0.1", "--port=" + port, "--skip-name-resolve",
		"--socket=" + filepath.Join(dir, "sock"), "--pid-file=" + filepath.Join(dir, "pid"), "--innodb-buffer-pool-size=64M",
	}, options...)
	m.Process = &Process{t: t, path: program, args: args, dir: dir,
		log: filepath.Join(t.TempDir(), "mariadb.log"), attr: attr, ready: m.ping}
	t.Cleanup(m.Kill)
	m.Start()
	return m
}

// ping waits for the greeting with which the server begins.
func (m *MariaDB) ping() error {
	conn, err := net.DialTimeout("tcp", m.addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_, err = conn.Read(make([]byte, 1))
	return err
}
