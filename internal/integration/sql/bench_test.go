//go:build unix

package sql_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores/gatesql"
)

// benchEach runs a benchmark with a table of a hundred thousand rows in every
// database.
func benchEach(b *testing.B, bench func(b *testing.B, d *database, table string)) {
	for _, bb := range []struct {
		name string
		make func(testing.TB) *database
	}{{"SQLite", sqlite}, {"PostgreSQL", postgres}, {"MariaDB", mariadb}} {
		b.Run(bb.name, func(b *testing.B) {
			d := bb.make(b)
			table, db := newTable(), d.open(b)
			open(b, db, gatesql.Options{Dialect: d.dialect, Table: table})
			fill(b, db, table, rows)
			bench(b, d, table)
		})
	}
}

const rows = 100_000

// BenchmarkBlocked checks tokens of which one in two was revoked, by so many
// goroutines at once.
func BenchmarkBlocked(b *testing.B) {
	benchEach(b, func(b *testing.B, d *database, table string) {
		c := gatetest.NewClock()
		for _, cacheFor := range []time.Duration{0, 2 * time.Second} {
			s := open(b, d.open(b), gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, CacheFor: cacheFor, TrustOlderTokens: true})
			name := "database"
			if cacheFor > 0 {
				name = "copy in memory"
				run(b, s)
				eventually(b, time.Minute, "the copy", s.Fresh)
			}
			for _, goroutines := range []int{1, 16, 64} {
				b.Run(fmt.Sprintf("%s-%d", name, goroutines), func(b *testing.B) {
					b.SetParallelism((goroutines + 1) / 2) // times GOMAXPROCS, two
					b.RunParallel(func(pb *testing.PB) {
						for i := 0; pb.Next(); i++ {
							tok := gatetest.NewToken(c, fmt.Sprint(i*7919%(2*rows)))
							if got, err := s.Blocked(context.Background(), tok); err != nil || got != (i*7919%(2*rows) < rows) {
								b.Errorf("Blocked = %v, %v", got, err)
								return
							}
						}
					})
				})
			}
		}
	})
}

// BenchmarkRevoke revokes tokens, one after the other and several at once.
func BenchmarkRevoke(b *testing.B) {
	benchEach(b, func(b *testing.B, d *database, table string) {
		c := gatetest.NewClock()
		s := open(b, d.open(b), gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now})
		i := 0
		b.Run("token", func(b *testing.B) {
			for b.Loop() {
				i++
				revoke(b, s, gatetest.NewToken(c, fmt.Sprint("bench ", i)))
			}
		})
	})
}

// BenchmarkSize reports what an entry needs on disk, indexes included, and the time of
// a check, in a table of 200,000 rows.
func BenchmarkSize(b *testing.B) {
	size := map[gatesql.Dialect]string{
		gatesql.SQLite:   `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`,
		gatesql.Postgres: `SELECT pg_total_relation_size('sized')`,
		gatesql.MySQL:    `SELECT SUM(file_size) FROM information_schema.innodb_sys_tablespaces WHERE name LIKE '%sized'`,
	}
	for name, make := range map[string]func(testing.TB) *database{"SQLite": sqlite, "PostgreSQL": postgres, "MariaDB": mariadb} {
		b.Run(name, func(b *testing.B) {
			d := make(b)
			db := d.open(b)
			s := open(b, db, gatesql.Options{Dialect: d.dialect, Table: "sized", TrustOlderTokens: true})
			const n = 200_000
			fill(b, db, "sized", n)
			var bytes int64
			if err := db.QueryRowContext(b.Context(), size[d.dialect]).Scan(&bytes); err != nil {
				b.Fatal(err)
			}
			check(b, s)
			b.ReportMetric(float64(bytes)/n, "B/entry")
		})
	}
}

// check measures one check at a time.
func check(b *testing.B, s *gatesql.Store) {
	now := time.Now()
	for i := 0; b.Loop(); i++ {
		tok := &gate.Token{ID: fmt.Sprint(i * 7919 % 400_000), SessionID: "s", Subject: "alice", IssuedAt: now, Expiry: now.Add(time.Hour)}
		if got, err := s.Blocked(context.Background(), tok); err != nil || got != (i*7919%400_000 < 200_000) {
			b.Fatalf("Blocked = %v, %v", got, err)
		}
	}
}
