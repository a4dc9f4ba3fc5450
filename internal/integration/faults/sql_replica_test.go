//go:build unix

package faults_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// wantRefused opens a store at the start, and expects that it is refused as read-only.
func wantRefused(t *testing.T, name string, d sqlDatabase) {
	t.Helper()
	_, err := gatesql.Open(t.Context(), d.pool(t), gatesql.Options{Dialect: d.dialect, NoCreate: true})
	if !errors.Is(err, stores.ErrReadOnly) {
		t.Errorf("F21 %s at the start: error = %v, want ErrReadOnly", name, err)
	}
}

// letIn counts the tokens that a store lets in, asked once.
func letIn(t *testing.T, list gate.Blocklist, tokens []*gate.Token) finding {
	f := finding{of: len(tokens), what: "revoked tokens let in"}
	for _, tok := range tokens {
		ctx, cancel := context.WithTimeout(t.Context(), callLimit)
		if blocked, err := list.Blocked(ctx, tok); err == nil && !blocked {
			f.bad++
		}
		cancel()
	}
	return f
}

// replicaLater lets a standby answer at the address of the primary, which has not got
// the last revocations and is not promoted.
func replicaLater(t *testing.T) {
	primary := servers.StartPostgres(t)
	d := sqlDatabase{driver: "pgx", dsn: primary.DSN, dialect: gatesql.Postgres}
	const cacheFor = 300 * time.Millisecond
	direct, copied := d.store(t, gatesql.Options{}), d.store(t, gatesql.Options{CacheFor: cacheFor})
	allowing := d.store(t, gatesql.Options{Insecure: gatesql.Insecure{AllowReplica: true}})
	standby := primary.Standby()
	wantRefused(t, "standby", sqlDatabase{driver: "pgx", dsn: standby.DSN, dialect: gatesql.Postgres})
	standby.Kill()
	var tokens []*gate.Token
	for range 20 {
		tok := newToken()
		if err := direct.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, tok)
	}
	servers.Eventually(t, 10*time.Second, func() error {
		if blocked, known := copied.Recall(tokens[19]); !blocked || !known {
			return errors.New("the copy lags")
		}
		return nil
	})
	primary.Kill()
	standby.StandIn(primary)
	for range 5 {
		holds(t, "F21 postgres, a standby later", letIn(t, direct, tokens))
		holds(t, "F21 postgres, a standby later, copy", letIn(t, copied, tokens))
		nap(t.Context(), cacheFor/2)
	}
	if gen, err := direct.Generation(t.Context(), "alice"); err == nil {
		t.Errorf("F21: a standby has told a generation: %d", gen)
	}
	if err := direct.RevokeToken(t.Context(), newToken(), stores.Note{}); !errors.Is(err, stores.ErrReadOnly) {
		t.Errorf("F21: revoking on a standby: %v, want ErrReadOnly", err)
	}
	caught(t, "F21", "AllowReplica", letIn(t, allowing, tokens))
}

// readOnlyLater makes servers refuse writes, as a failover or an operator does.
func readOnlyLater(t *testing.T) {
	maria, pg := mariaDatabase(t), postgresDatabase(t)
	for _, tt := range []struct {
		d       sqlDatabase
		on, off []string
	}{
		{maria, []string{"SET GLOBAL read_only = 1"}, []string{"SET GLOBAL read_only = 0"}},
		{pg, []string{"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"},
			[]string{"SET transaction_read_only = off", "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"}},
	} {
		s, admin := tt.d.store(t, gatesql.Options{}), tt.d.pool(t)
		admin.SetMaxOpenConns(1)
		tok := newToken()
		if err := s.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		run := func(statements []string) {
			for _, query := range statements {
				if _, err := admin.Exec(query); err != nil {
					t.Fatal(err)
				}
			}
		}
		run(tt.on)
		servers.Eventually(t, 15*time.Second, func() error {
			if _, err := s.Blocked(t.Context(), newToken()); errors.Is(err, stores.ErrReadOnly) {
				return nil
			}
			return errors.New("checks are answered")
		})
		wantRefused(t, tt.d.name+", read-only", tt.d)
		if err := s.Ready(t.Context(), gate.Needs{}); !errors.Is(err, stores.ErrReadOnly) {
			t.Errorf("F21 %s: Ready = %v, want ErrReadOnly", tt.d.name, err)
		}
		run(tt.off)
		servers.Eventually(t, 15*time.Second, func() error { return s.RevokeToken(t.Context(), newToken(), stores.Note{}) })
		holds(t, "F21 "+tt.d.name+", read-only and back", letIn(t, s, []*gate.Token{tok}))
	}
}
