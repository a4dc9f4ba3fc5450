//go:build linux

package faults_test

import (
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/jwtgate/gate/stores/gatesql"
)

// badWire is one of the toxics.
func badWire(t *testing.T, wire *toxiproxy.Proxy) fault {
	return fault{name: "bad wire", begin: func() func() {
		toxic := toxics[rand.N(len(toxics))]
		return tamper(t, wire, toxic.toxic)
	}}
}

func redisSite(t *testing.T) *site {
	r, cut := servers.StartPoweredRedis(t, servers.Durable...)
	wire := newProxy(t, r.Addr)
	s := newSite(t, "redis", func(cacheFor time.Duration) stores.Store {
		return newStore(t, connect(t, alone(wire.Listen)), gateredis.Options{CacheFor: cacheFor})
	}, newStore(t, connect(t, alone(r.Addr)), gateredis.Options{}))
	set := func(name, bad, good string) func() func() {
		return func() func() {
			r.CLI("CONFIG", "SET", name, bad)
			return func() { r.CLI("CONFIG", "SET", name, good) }
		}
	}
	s.faults = []fault{
		badWire(t, wire), badWire(t, wire), badWire(t, wire),
		{name: "frozen", begin: func() func() { r.Freeze(); return r.Thaw }},
		{name: "kill -9", begin: func() func() { r.Kill(); return r.Start }},
		{name: "power cut", begin: func() func() { cut(); return r.Start }},
		{name: "full", begin: set("maxmemory", "1mb", "0")},
		{name: "slow writer", begin: func() func() { r.CLI("CLIENT", "PAUSE", "350", "WRITE"); return func() {} }},
		{name: "frozen writers", begin: func() func() { return halfWriters(t, r.Addr) }},
		{name: "a replica", begin: func() func() {
			r.CLI("REPLICAOF", "127.0.0.1", "1")
			return func() { r.CLI("REPLICAOF", "NO", "ONE") }
		}},
		{name: "wipe", wipe: true, begin: func() func() { r.CLI("FLUSHALL"); return func() {} }},
	}
	return s
}

func sentinelSite(t *testing.T) *site {
	g := servers.StartSentinel(t, 2, servers.Durable...)
	co := rueidis.ClientOption{InitAddress: g.Addrs(), Sentinel: rueidis.SentinelOption{MasterSet: g.Name}}
	open := func(cacheFor time.Duration) stores.Store {
		return newStore(t, connect(t, co), gateredis.Options{CacheFor: cacheFor, Replicas: 1})
	}
	s := newSite(t, "sentinel", open, open(0))
	failover := func(lose, restore func(*servers.Redis)) func() func() {
		return func() func() {
			old := g.Master()
			lose(old)
			return func() {
				servers.Eventually(t, 30*time.Second, func() error {
					if g.Master() == old {
						return errors.New("no failover")
					}
					return nil
				})
				restore(old)
				follow(t, g, old)
			}
		}
	}
	s.faults = []fault{
		{name: "failover, killed master", begin: failover((*servers.Redis).Kill, (*servers.Redis).Start)},
		{name: "failover, frozen master", begin: failover((*servers.Redis).Freeze, (*servers.Redis).Thaw)},
		{name: "too few replicas", begin: func() func() {
			var frozen []*servers.Redis
			for _, n := range g.Nodes {
				if n != g.Master() {
					n.Freeze()
					frozen = append(frozen, n)
				}
			}
			return func() {
				for _, n := range frozen {
					n.Thaw()
				}
			}
		}},
	}
	return s
}

// follow makes an old master a replica of the new one, and waits until it is in step.
func follow(t *testing.T, g *servers.SentinelGroup, old *servers.Redis) {
	master := g.Master()
	host, port, _ := strings.Cut(master.Addr, ":")
	servers.Eventually(t, 60*time.Second, func() error {
		if out, _ := old.TryCLI("INFO", "replication"); strings.Contains(out, "master_link_status:up") {
			return nil
		}
		_, _ = old.TryCLI("REPLICAOF", host, port)
		time.Sleep(100 * time.Millisecond)
		return errors.New("the old master does not follow")
	})
}

// openSoakSQL opens a store as nodes have one.
func openSoakSQL(t *testing.T, d sqlDatabase, cacheFor time.Duration) stores.Store {
	s, err := gatesql.Open(t.Context(), d.pool(t), gatesql.Options{
		Dialect: d.dialect, TrustOlderTokens: true, Timeout: 2 * time.Second, CacheFor: cacheFor, Poll: cacheFor / 10})
	if err != nil {
		t.Fatal(err)
	}
	if cacheFor > 0 {
		keepCopy(t, s)
	}
	return s
}

var address = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// sqlSite is a site with a database behind a wire, and the faults of all databases.
func sqlSite(t *testing.T, d sqlDatabase, more ...fault) *site {
	near := d
	var wire *toxiproxy.Proxy
	if addr := address.FindString(d.dsn); addr != "" {
		wire = newProxy(t, addr)
		near.dsn = strings.Replace(d.dsn, addr, wire.Listen, 1)
	}
	s := newSite(t, d.name, func(cacheFor time.Duration) stores.Store { return openSoakSQL(t, near, cacheFor) }, openSoakSQL(t, d, 0))
	admin := d.pool(t)
	s.faults = append([]fault{
		{name: "slow writer", begin: func() func() { d.slow(t, admin, 350*time.Millisecond)(); return func() {} }},
		{name: "wipe", wipe: true, begin: func() func() {
			run(t, admin, "DELETE FROM gate_revoked")
			return func() {}
		}},
	}, more...)
	if wire != nil {
		s.faults = append(s.faults, badWire(t, wire), badWire(t, wire), fault{name: "frozen process", begin: func() func() {
			late, lost := freezeWriter(t, d, false)
			holds(t, "F18 soak, "+d.name+", frozen process", late)
			holds(t, "F18 soak, "+d.name+", frozen process", lost)
			return func() {}
		}})
	}
	return s
}

// run runs statements, again where a connection is from before a fault.
func run(t *testing.T, db *sql.DB, statements ...string) {
	for _, query := range statements {
		servers.Eventually(t, 10*time.Second, func() error { _, err := db.ExecContext(t.Context(), query); return err })
	}
}

// soakDisk is a disk whose power can be cut, or nil where the test may not mount one.
func soakDisk(t *testing.T, megabytes int64) *servers.Disk {
	if os.Getuid() != 0 {
		return nil
	}
	return servers.NewDisk(t, megabytes)
}

// crashFaults are the ways in which a server on a disk ends.
func crashFaults(p *servers.Process, disk *servers.Disk) []fault {
	faults := []fault{{name: "kill -9", begin: func() func() { p.Kill(); return p.Start }}}
	if disk != nil {
		disk.Sync()
		faults = append(faults, fault{name: "power cut", begin: func() func() { disk.Cut(p.PID()); p.Kill(); return p.Start }})
	}
	return faults
}

func postgresSite(t *testing.T) *site {
	const settings = "max_connections=200"
	disk := soakDisk(t, 1024)
	var pg *servers.Postgres
	if disk == nil {
		pg = servers.StartPostgres(t, settings)
	} else {
		pg = servers.StartPostgresIn(t, disk.Dir, settings)
	}
	d := sqlDatabase{"postgres", "pgx", pg.DSN, gatesql.Postgres, lockPostgres}
	admin := d.pool(t)
	admin.SetMaxOpenConns(1)
	return sqlSite(t, d, append(crashFaults(pg.Process, disk),
		fault{name: "connections ended", begin: func() func() {
			run(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
			return func() {}
		}},
		fault{name: "read-only", begin: func() func() {
			run(t, admin, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
			return func() {
				run(t, admin, "SET default_transaction_read_only = off", "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
			}
		}})...)
}

func mariaSite(t *testing.T) *site {
	const option = "--innodb-log-file-size=16M"
	disk := soakDisk(t, 1024)
	var m *servers.MariaDB
	if disk == nil {
		m = servers.StartMariaDB(t, option)
	} else {
		m = servers.StartMariaDBIn(t, disk.Dir, option)
	}
	d := sqlDatabase{"mariadb", "mysql", m.DSN, gatesql.MySQL, lockMariaDB}
	admin := d.pool(t)
	return sqlSite(t, d, append(crashFaults(m.Process, disk),
		fault{name: "frozen", begin: func() func() { m.Freeze(); return m.Thaw }},
		fault{name: "read-only", begin: func() func() {
			run(t, admin, "SET GLOBAL read_only = 1")
			return func() { run(t, admin, "SET GLOBAL read_only = 0") }
		}})...)
}

func sqliteSite(t *testing.T) *site {
	disk := soakDisk(t, 64)
	if disk == nil {
		return sqlSite(t, sqliteDatabase(t))
	}
	path := filepath.Join(disk.Dir, "ballast")
	return sqlSite(t, sqliteIn(disk.Dir), fault{name: "full disk", begin: func() func() {
		f := must(os.Create(path))
		for {
			if _, err := f.Write(make([]byte, 1<<20)); err != nil {
				break
			}
		}
		_ = f.Close()
		return func() { _ = os.Remove(path) }
	}})
}
