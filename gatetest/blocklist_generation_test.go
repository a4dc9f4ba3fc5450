package gatetest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// generationFault is a fault of a store with generations; a nil field is right.
type generationFault struct {
	name, check string
	revoke      func(old storekit.SubjectRecord, c storekit.SubjectChange, gen int64) storekit.SubjectRecord
	next        func(old int64, now time.Time) int64
	covers      func(r storekit.SubjectRecord, t *gate.Token, session string) bool
	read        func(gen int64) int64
	subject     func(t *gate.Token) string
	direct      func() (bool, error)
	racy        bool
}

// spared reports whether a session is not covered by the last call.
func spared(r storekit.SubjectRecord, session string) bool {
	return session != "" && session == r.Except
}

var plantedGenerations = []generationFault{
	{name: "compares generations for equality", check: "generation: above the record", covers: func(r storekit.SubjectRecord, t *gate.Token, session string) bool {
		gen, ok := t.Generation()
		if !ok {
			return r.Covers(t, session)
		}
		return gen < r.AllGeneration || gen != r.Generation && !spared(r, session)
	}},
	{name: "spares whom the last call spares", check: "generation: except a session", revoke: func(old storekit.SubjectRecord, c storekit.SubjectChange, gen int64) storekit.SubjectRecord {
		r := old.Revoke(c, gen)
		if c.Except != "" {
			r.AllGeneration = old.AllGeneration
		}
		return r
	}},
	{name: "generations follow the clock", check: "generation", next: func(_ int64, now time.Time) int64 { return now.UnixMicro() }},
	{name: "calls at one instant have one generation", check: "generation", next: func(old int64, now time.Time) int64 { return max(old, now.UnixMicro()) }},
	{name: "judges by iat besides", check: "generation: clocks", covers: func(r storekit.SubjectRecord, t *gate.Token, session string) bool {
		iat := t.IssuedAt.Unix()
		return r.Covers(t, session) || iat <= r.AllBefore || iat <= r.Before && !spared(r, session)
	}},
	{name: "judges by iat alone", check: "generation: clocks", covers: func(r storekit.SubjectRecord, t *gate.Token, session string) bool {
		iat := t.IssuedAt.Unix()
		return iat <= r.AllBefore || iat <= r.Before && !spared(r, session)
	}},
	{name: "believes a generation above its record", check: "generation: above the record", covers: func(r storekit.SubjectRecord, t *gate.Token, session string) bool {
		if gen, ok := t.Generation(); ok && gen > r.Generation {
			return false
		}
		return r.Covers(t, session)
	}},
	{name: "reads an older generation", check: "generation", read: func(gen int64) int64 { return gen - 1 }},
	{name: "generations are too large for JavaScript", check: "generation", next: func(old int64, now time.Time) int64 { return max(old+1, now.UnixNano()) }},
	{name: "reads and writes in two steps", check: "generation: at once", racy: true},
	{name: "knows strings in sub alone", check: "identities", subject: func(t *gate.Token) string { return t.Subject }},
	{name: "answers directly from a cache", check: "asked directly", direct: func() (bool, error) { return false, nil }},
}

// generations is a store with records of subjects of its own.
type generations struct {
	*clocked
	fault generationFault
	keep  storekit.Keep
	mu    sync.Mutex
	m     map[string]storekit.SubjectRecord
	// lowest is the generation of subjects without a record, since RevokeAll.
	lowest int64
}

func (g *generations) RevokeAll(ctx context.Context, n stores.Note) error {
	newest := g.lowest
	for _, r := range g.m {
		newest = max(newest, r.Generation)
	}
	for g.lowest <= newest {
		err := g.clocked.RevokeAll(ctx, n)
		if err != nil {
			return err
		}
		if g.lowest, err = g.clocked.Store.(gate.GenerationReader).Generation(ctx, "somebody new"); err != nil {
			return err
		}
	}
	return nil
}

func newGenerations(t *testing.T, clock func() time.Time, f generationFault) *generations {
	keep, err := storekit.Keep{}.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if f.revoke == nil {
		f.revoke = storekit.SubjectRecord.Revoke
	}
	if f.next == nil {
		f.next = storekit.NextGeneration
	}
	if f.covers == nil {
		f.covers = storekit.SubjectRecord.Covers
	}
	if f.subject == nil {
		f.subject = storekit.SubjectOf
	}
	return &generations{clocked: newClocked(t, clock), fault: f, keep: keep, m: map[string]storekit.SubjectRecord{}}
}

func (g *generations) record(subject string) storekit.SubjectRecord {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.m[subject]
}

func (g *generations) Generation(ctx context.Context, subject string) (int64, error) {
	gen := max(g.record(subject).Generation, g.lowest)
	if subject == "" {
		return 0, stores.ErrNoID
	}
	if g.fault.read != nil && gen != 0 {
		gen = g.fault.read(gen)
	}
	return gen, ctx.Err()
}

func (g *generations) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, _ stores.Note) error {
	if ctx.Err() != nil || subject == "" {
		return g.clocked.RevokeSubject(ctx, subject, o, none) // for its errors
	}
	if g.fault.racy {
		old := g.record(subject)
		time.Sleep(time.Millisecond)
		g.write(subject, old, o)
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.m[subject] = g.revoked(g.m[subject], o)
	return nil
}

func (g *generations) write(subject string, old storekit.SubjectRecord, o stores.SubjectOptions) {
	r := g.revoked(old, o)
	time.Sleep(time.Millisecond)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.m[subject] = r
}

func (g *generations) revoked(old storekit.SubjectRecord, o stores.SubjectOptions) storekit.SubjectRecord {
	now := g.clock()
	return g.fault.revoke(old, g.keep.SubjectChange(o, now, ""), g.fault.next(max(old.Generation, g.lowest), now))
}

func (g *generations) RestoreSubject(ctx context.Context, subject string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.m, subject)
	return ctx.Err()
}

func (g *generations) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	blocked, err := g.clocked.Blocked(ctx, t)
	if blocked || err != nil {
		return blocked, err
	}
	session := ""
	if t.SessionID != "" {
		session = storekit.HashID(stores.Session, "", stores.OfIssuer(t.VerifiedIssuer(), t.SessionID))
	}
	r := g.record(stores.OfIssuer(t.VerifiedIssuer(), g.fault.subject(t)))
	if gen, _ := t.Generation(); r.Predates(gen, g.lowest) {
		return false, nil
	}
	return g.fault.covers(r, t, session), nil
}

func (g *generations) BlockedDirect(ctx context.Context, t *gate.Token) (bool, error) {
	if g.fault.direct != nil {
		return g.fault.direct()
	}
	return g.Blocked(ctx, t)
}
