package gate

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
)

// Require returns middleware that lets a request through to the next handler when
// it meets p, with its token in the context ([FromContext], [User]), and answers it
// with [Gate.WriteError] otherwise. A CORS preflight without a token, as browsers send
// it, is answered with 204 and no body, so that CORS middleware, which belongs outside
// of the guard, may let it pass; the next handler does not see it. It panics on a
// policy that no token can meet.
func (g *Gate) Require(p Policy) func(http.Handler) http.Handler {
	if err := cmp.Or(g.checkPossible(&p), g.checkPlaces(&p)); err != nil {
		panic(err)
	}
	varies := slices.ContainsFunc(g.locations(&p), func(l Location) bool { return l.csrf })
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if g.exempt(httpRequest{r}) { // without the token of a guard further out
				serveWith(&tokenContext{Context: ctx}, next, w, r)
				return
			}
			t, err := g.judge(ctx, httpRequest{r}, &p)
			var clear *clearing
			if p.passes(err) {
				clear, err = g.clearingOf(r, err, &p), nil
			}
			switch {
			case err == nil:
				if varies {
					g.markPrivate(w.Header(), t)
				}
				clear.serve(&tokenContext{ctx, g.issuers, t, true}, next, w, r)
			case preflight(r) && errors.Is(err, ErrMissing):
				w.WriteHeader(http.StatusNoContent)
			default:
				g.WriteError(w, r, err)
			}
		})
	}
}

// Check judges a request by p and returns its token. It writes nothing and changes
// nothing but a JSON or form body that it had to read, which stays readable. The
// token is nil, without an error, for a request without one where p is Optional or
// Public, and for a request whose token is refused where p is Public.
// The error is an [*Error] for a request that is refused; any other error means that a
// store or key source could not answer, or that no token can meet p: deny.
func (g *Gate) Check(r *http.Request, p Policy) (*Token, error) {
	return g.CheckRequest(r.Context(), httpRequest{r}, p)
}

// CheckRequest is [Gate.Check] for a request of another kind than net/http's.
func (g *Gate) CheckRequest(ctx context.Context, r Request, p Policy) (*Token, error) {
	if g.exempt(r) {
		return nil, nil
	}
	if err := cmp.Or(g.checkPossible(&p), g.checkPlaces(&p)); err != nil {
		return nil, err
	}
	t, err := g.judge(ctx, r, &p)
	if p.passes(err) {
		return nil, nil
	}
	return t, err
}

// judge is for requests that are not exempt, and policies that a token can meet. It also
// refuses the tokens that count as none where p is Public.
func (g *Gate) judge(ctx context.Context, r Request, p *Policy) (*Token, error) {
	t, err := g.checkRequest(ctx, r, p)
	if g.cfg.OnEvent != nil {
		g.emitVerdict(ctx, t, err)
	}
	return t, err
}

func (g *Gate) checkRequest(ctx context.Context, r Request, p *Policy) (*Token, error) {
	f, err := g.locate(r, p)
	if err != nil {
		return nil, err
	}
	if f.choice != nil {
		if err := g.chooseCookie(ctx, &f); err != nil {
			return nil, err
		}
	}
	if f.raw == "" {
		return nil, nil
	}
	t, err := g.walk(ctx, &f, p)
	if err == nil {
		g.noteForRenewal(ctx, t)
	}
	return t, err
}

// CheckToken judges a token that came by another way than a request: gRPC metadata,
// a WebSocket message, a command line. There is no location, so p.Optional, p.Public
// and p.Locations do not apply, and no CSRF check.
func (g *Gate) CheckToken(ctx context.Context, raw string, p Policy) (*Token, error) {
	t, err := g.checkToken(ctx, raw, &p)
	if g.cfg.OnEvent != nil {
		g.emitVerdict(ctx, t, err)
	}
	return t, err
}

func (g *Gate) checkToken(ctx context.Context, raw string, p *Policy) (*Token, error) {
	if err := g.checkPossible(p); err != nil {
		return nil, err
	}
	return g.walk(ctx, &found{raw: raw}, p)
}

// walk takes a token through steps 2 to 9. The first that refuses ends it.
func (g *Gate) walk(ctx context.Context, f *found, p *Policy) (*Token, error) {
	t, err := g.enter(ctx, f, false)
	if err != nil {
		return nil, err
	}
	t.demands = p.demands()
	if err := g.checkPolicy(t, p); err != nil {
		return nil, located(err, f.location, t)
	}
	if err := g.checkBlocklist(ctx, t, p); err != nil {
		return nil, located(err, f.location, t)
	}
	if err := g.verify(ctx, t); err != nil {
		return nil, located(err, f.location, t)
	}
	if err := g.loadUser(ctx, t); err != nil {
		return nil, located(err, f.location, t)
	}
	if err := p.allow(ctx, t); err != nil {
		return nil, located(err, f.location, t)
	}
	return t, nil
}

// enter checks signature, claims and CSRF value (steps 2 to 4).
func (g *Gate) enter(ctx context.Context, f *found, allowExpired bool) (*Token, error) {
	t, err := g.open(ctx, f.raw)
	if err != nil {
		return nil, located(err, f.location, nil)
	}
	t.location = f.location
	now := g.cfg.Clock()
	if err := g.checkClaims(t, now); err != nil {
		return nil, located(err, f.location, t)
	}
	if err := f.matchCSRF(t); err != nil {
		return nil, located(err, f.location, t)
	}
	if allowExpired {
		return t, nil
	}
	if err := g.checkExpiry(t, now); err != nil {
		return nil, located(err, f.location, t)
	}
	return t, nil
}

// DecodeOptions are for [Gate.Decode]. The zero value asks for nothing special.
type DecodeOptions struct {
	// CSRF is the double submit value that the token must have; "" is not compared.
	CSRF string
	// AllowExpired takes a token past its time, as a logout may want.
	AllowExpired bool
}

// Decode checks signature and claims of a token and returns it. It asks neither
// type, freshness, blocklist nor hooks: what it returns may have been revoked.
func (g *Gate) Decode(ctx context.Context, raw string, o DecodeOptions) (*Token, error) {
	return g.enter(ctx, &found{raw: raw, csrf: o.CSRF, check: o.CSRF != ""}, o.AllowExpired)
}

// exempt reports whether a request passes unguarded.
func (g *Gate) exempt(r Request) bool {
	return g.compat.EveryOPTIONS && r.Method() == http.MethodOptions
}

// preflight reports whether a request is a CORS preflight (Fetch standard, section
// 3.3.7), or says so: anybody can send one, to a handler that may not look at methods.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Access-Control-Request-Method"]) > 0
}
