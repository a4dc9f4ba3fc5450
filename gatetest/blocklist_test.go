package gatetest_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/storekit"
)

// plantedFault is a store with a fault, and the check that has to see it.
type plantedFault struct {
	name, check string
	make        func() broken
}

var planted = append(plantedOnce, []plantedFault{
	{"looks at no issuer", "issuers", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			return s.Blocked(ctx, &gate.Token{ID: t.ID, Subject: t.Subject, SessionID: t.SessionID, IssuedAt: t.IssuedAt, Expiry: t.Expiry})
		}}
	}},
	{"revokes nothing", "token", func() broken {
		return broken{blocked: func(_ stores.Store, ctx context.Context, _ *gate.Token) (bool, error) { return false, ctx.Err() }}
	}},
	{"revokes all", "empty store", func() broken {
		return broken{blocked: func(_ stores.Store, ctx context.Context, _ *gate.Token) (bool, error) { return true, ctx.Err() }}
	}},
	{"lets in when the context has ended", "contexts", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			if ctx.Err() != nil {
				return false, nil
			}
			return s.Blocked(ctx, t)
		}}
	}},
	{"lets in on any error", "lifetime", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			blocked, err := s.Blocked(ctx, t)
			if ctx.Err() == nil {
				err = nil
			}
			return blocked, err
		}}
	}},
	{"says it has revoked when the context has ended", "contexts", func() broken {
		return broken{revokeSession: func(s stores.Store, ctx context.Context, id string) error {
			_ = s.RevokeSession(ctx, id, none)
			if id == "" {
				return stores.ErrNoID
			}
			return nil
		}}
	}},
	{"knows tokens by jti alone", "token and what was renewed from it", func() broken {
		bare := func(t *gate.Token) *gate.Token {
			return &gate.Token{ID: t.ID, Type: t.Type, IssuedAt: t.IssuedAt, Expiry: t.Expiry}
		}
		return broken{
			blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) { return s.Blocked(ctx, bare(t)) },
			revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
				return s.RevokeToken(ctx, bare(t), none)
			},
		}
	}},
	{"forgets before what was renewed expires", "token and what was renewed from it", func() broken {
		return bent(func(t *gate.Token) { t.IssuedAt = time.Time{} })
	}},
	{"forgets at exp", "token", func() broken { return bent(func(t *gate.Token) { t.Expiry = t.Expiry.Add(-storekit.DefaultLeeway) }) }},
	{"forgets a second early", "token", func() broken { return bent(func(t *gate.Token) { t.Expiry = t.Expiry.Add(-time.Second) }) }},
	{"never forgets", "token", func() broken { return bent(func(t *gate.Token) { t.Expiry = time.Time{} }) }},
	{"forgets tokens without exp", "token without expiry", func() broken {
		return broken{revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
			c := copied(t)
			if t.Expiry.IsZero() {
				c.Expiry = gatetest.NewClock().Now().AddDate(50, 0, 0)
			}
			return s.RevokeToken(ctx, c, none)
		}}
	}},
	{"shortens a life", "token revoked twice", func() broken {
		return broken{revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
			if t.ID != "" && ctx.Err() == nil {
				_ = s.RestoreToken(ctx, t.ID)
			}
			return s.RevokeToken(ctx, t, none)
		}}
	}},
	{"keeps sessions as long as tokens", "session", func() broken {
		return broken{
			revokeSession: func(s stores.Store, ctx context.Context, id string) error {
				if id == "" {
					return stores.ErrNoID
				}
				return s.RevokeToken(ctx, &gate.Token{ID: "session " + id, Expiry: gatetest.NewClock().Now().Add(15 * time.Minute)}, none)
			},
			blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
				c := copied(t)
				if blocked, err := s.Blocked(ctx, c); blocked || err != nil {
					return blocked, err
				}
				c.ID, c.Expiry = "session "+t.SessionID, t.Expiry
				return s.Blocked(ctx, c)
			},
		}
	}},
	{"takes a token without jti", "no identifier", func() broken {
		return broken{revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
			if t.ID == "" {
				return ctx.Err()
			}
			return s.RevokeToken(ctx, t, none)
		}}
	}},
	{"revokes the empty session", "no identifier", func() broken {
		return renamed(func(id string) string {
			if id == "" {
				return "(empty)"
			}
			return id
		})
	}},
	{"does not undo", "undo", func() broken {
		return broken{restoreToken: func(_ stores.Store, ctx context.Context, _ string) error { return ctx.Err() }}
	}},
	{"finds nothing to undo", "undo", func() broken {
		return broken{restoreSession: func(s stores.Store, ctx context.Context, id string) error {
			if blocked, err := s.Blocked(ctx, &gate.Token{SessionID: id, Expiry: gatetest.NewClock().Now()}); err != nil || !blocked {
				return os.ErrNotExist
			}
			return s.RestoreSession(ctx, id)
		}}
	}},
	{"undoes too much", "undo leaves the rest", func() broken {
		return broken{restoreToken: func(s stores.Store, ctx context.Context, id string) error {
			_ = s.RestoreSubject(ctx, "alice")
			return s.RestoreToken(ctx, id)
		}}
	}},
	{"mixes kinds", "kinds are apart", func() broken {
		return broken{revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
			if t.ID != "" && ctx.Err() == nil {
				_ = s.RevokeSession(ctx, t.ID, none)
			}
			return s.RevokeToken(ctx, t, none)
		}}
	}},
	{"misses the second of the instant", "subject", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			c := copied(t)
			if !t.IssuedAt.IsZero() {
				c.IssuedAt = t.IssuedAt.Add(time.Second)
			}
			return s.Blocked(ctx, c)
		}}
	}},
	{"revokes the next second", "subject", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			c := copied(t)
			if !t.IssuedAt.IsZero() {
				c.IssuedAt = t.IssuedAt.Add(-time.Second)
			}
			return s.Blocked(ctx, c)
		}}
	}},
	{"trusts tokens without iat", "subject", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			c := copied(t)
			if t.IssuedAt.IsZero() && !t.Expiry.IsZero() && t.Expiry.Sub(gatetest.NewClock().Now()) < time.Hour {
				c.IssuedAt = t.Expiry
			}
			return s.Blocked(ctx, c)
		}}
	}},
	{"moves the instant back", "subject: instants", func() broken {
		return broken{revokeSubject: func(s stores.Store, ctx context.Context, subject string, o stores.SubjectOptions) error {
			if subject != "" && ctx.Err() == nil {
				_ = s.RestoreSubject(ctx, subject)
			}
			return s.RevokeSubject(ctx, subject, o, none)
		}}
	}},
	{"ignores the session that is spared", "subject: except a session", func() broken {
		return subjectOptions(func(o *stores.SubjectOptions) { o.ExceptSession = "" })
	}},
	{"the last exception wins", "subject: nothing comes back", lastException},
	{"subjects at once overwrite each other", "subject: at once", racySubjects},
	{"cuts long identifiers", "identifiers", func() broken { return renamed(func(id string) string { return id[:min(len(id), 1<<16)] }) }},
	{"ends at NUL", "identifiers", func() broken {
		return renamed(func(id string) string {
			if i := strings.IndexByte(id, 0); i > 0 {
				return id[:i]
			}
			return id
		})
	}},
	{"trims space", "identifiers", func() broken { return renamed(func(id string) string { return strings.TrimRight(id, " \r\n\t") }) }},
	{"folds case", "identifiers", func() broken { return renamed(strings.ToLower) }},
	{"repairs UTF-8", "identifiers", func() broken { return renamed(func(id string) string { return strings.ToValidUTF8(id, "\uFFFD") }) }},
	{"revokes later", "seen by others", func() broken {
		return broken{revokeSession: func(s stores.Store, ctx context.Context, id string) error {
			if id == "" || ctx.Err() != nil {
				return s.RevokeSession(ctx, id, none)
			}
			go func() {
				time.Sleep(time.Second) // the fault
				_ = s.RevokeSession(bg, id, none)
			}()
			return nil
		}}
	}},
	{"loses writes made at once", "at once", racyTokens},
	{"believes the clock", "clock going back", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			// An entry that was written in the future, by this clock, is not believed.
			if m, ok := s.(*clocked); ok && m.clock().Before(gatetest.NewClock().Now()) {
				return false, ctx.Err()
			}
			return s.Blocked(ctx, t)
		}}
	}},
	{"forgets subjects early", "subject: lives long enough", func() broken {
		return broken{blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			if m, ok := s.(*clocked); ok && m.clock().After(gatetest.NewClock().Now().Add(storekit.DefaultMaxLifetime)) {
				return false, ctx.Err()
			}
			return s.Blocked(ctx, t)
		}}
	}},
}...)

// TestPlanted is what TestSuiteBites runs, as a program of its own.
func TestPlanted(t *testing.T) {
	name := os.Getenv("GATETEST_PLANTED")
	if name == "" {
		t.Skip("run by TestSuiteBites")
	}
	for _, p := range planted {
		if p.name == name {
			b := p.make()
			gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
				one := b
				one.Store = newClocked(t, clock)
				return &one
			})
		}
	}
	for _, p := range plantedGenerations {
		if p.name == name {
			gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
				return newGenerations(t, clock, p)
			})
		}
	}
	for _, p := range plantedLists {
		if p.name == name {
			gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
				return &listing{clocked: newClocked(t, clock), entries: map[string]stores.Entry{}, fault: p}
			})
		}
	}
}

func newClocked(t *testing.T, clock func() time.Time) *clocked {
	s, err := gatemem.New(gatemem.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return &clocked{s, clock}
}

// TestSuiteBites runs the suite on stores with a fault each, and wants the check that
// is for it to fail.
func TestSuiteBites(t *testing.T) {
	faults := map[string]string{} // and the check that has to see them
	for _, p := range planted {
		faults[p.name] = p.check
	}
	for _, p := range plantedLists {
		faults[p.name] = p.check
	}
	for _, p := range plantedGenerations {
		faults[p.name] = p.check
	}
	for name, check := range faults {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlanted$/^"+check+"$", "-test.v")
			cmd.Env = append(os.Environ(), "GATETEST_PLANTED="+name)
			out, err := cmd.CombinedOutput()
			failed := "--- FAIL: TestPlanted/" + strings.ReplaceAll(check, " ", "_") + " "
			if err == nil || !bytes.Contains(out, []byte(failed)) {
				t.Errorf("error %v; want the check %q to fail:\n%s", err, check, summary(out))
			}
		})
	}
	t.Run("a good store with generations", func(t *testing.T) {
		gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
			return newGenerations(t, clock, generationFault{})
		})
	})
	t.Run("a good store", func(t *testing.T) {
		gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
			return &listing{clocked: newClocked(t, clock), entries: map[string]stores.Entry{}}
		})
	})
}

// summary leaves the verdicts.
func summary(out []byte) string {
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "--- FAIL") || strings.Contains(line, "panic") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
