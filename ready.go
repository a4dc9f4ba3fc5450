package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jwtgate/gate/keys"
)

// A Readier is a store or key source that can tell whether it is ready to serve a gate.
// [Gate.Ready] also asks parts that are wrapped (method Unwrap), and parts whose method
// Ready has a context as its only argument, such as keys.Ring.
type Readier interface {
	// Ready returns why the part cannot serve a gate with these needs, or nil.
	Ready(ctx context.Context, n Needs) error
}

// Needs says what a gate needs of its stores.
type Needs struct {
	// Lifetime is the longest lifetime of a token in [Create]; [NoExpiry] is one without
	// end. A store must keep a revocation for at least as long.
	Lifetime time.Duration
	// Leeway is how long after its expiry a token is still accepted.
	Leeway time.Duration
}

// Ready asks the key sources and blocklists, also those of Issuers, whether they answer, are
// configured for this gate, and keep revocations for long enough. Call it when the program
// starts and in readiness probes. A part that is no [Readier] counts as ready. The error
// names every part that is not ready.
func (g *Gate) Ready(ctx context.Context) error {
	n := g.needs()
	all := []error{
		ready[keys.Source](ctx, "key source", g.cfg.Keys, n),
		keepsKeys(g.cfg.Keys, n),
		ready(ctx, "blocklist", g.cfg.Blocklist, n),
	}
	for _, i := range g.cfg.Issuers {
		all = append(all,
			ready[keys.Source](ctx, fmt.Sprintf("key source of %q", i.Name), i.Keys, n),
			ready(ctx, fmt.Sprintf("blocklist of %q", i.Name), i.Blocklist, n),
		)
	}
	return errors.Join(all...)
}

func (g *Gate) needs() Needs {
	c := &g.cfg.Create
	n := Needs{Lifetime: max(c.AccessLifetime, c.RefreshLifetime), Leeway: g.cfg.Accept.Leeway}
	if c.AccessLifetime == NoExpiry || c.RefreshLifetime == NoExpiry {
		n.Lifetime = NoExpiry
	}
	return n
}

// keepsKeys checks that keys verify until their last token has expired. Tokens without
// end are left to the application.
func keepsKeys(source keys.Source, n Needs) error {
	r, ok := source.(interface{ Lifetime() time.Duration }) // a keys.Ring
	if need := n.Lifetime + n.Leeway; ok && r.Lifetime() < need && n.Lifetime != NoExpiry {
		return fmt.Errorf("gate: key source: it drops a replaced key after %s, and tokens live for %s; raise RingOptions.Lifetime", r.Lifetime(), need)
	}
	return nil
}

func readyPart(ctx context.Context, part any, n Needs) error {
	switch r := part.(type) {
	case Readier:
		return r.Ready(ctx, n)
	case interface{ Ready(context.Context) error }: // those of package keys, which know no gate
		return r.Ready(ctx)
	}
	return nil
}

// ready asks part and everything that it wraps.
func ready[T any](ctx context.Context, what string, part T, n Needs) error {
	var all []error
	for p, more := any(part), true; more; {
		if err := readyPart(ctx, p, n); err != nil {
			all = append(all, fmt.Errorf("gate: %s: %w", what, err))
		}
		var w interface{ Unwrap() T }
		if w, more = p.(interface{ Unwrap() T }); more {
			p = w.Unwrap()
		}
	}
	return errors.Join(all...)
}
