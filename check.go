package gate

import (
	"cmp"
	"context"
	"net/http"
)

// Require returns middleware that lets a request through to the next handler when
// it meets p, with its token in the context ([FromContext], [User]), and answers it
// with [Gate.WriteError] otherwise. A CORS preflight without a token, as browsers send
// it, is answered with 204 and no body, so that CORS middleware, which belongs outside
// of the guard, may let it pass; the next handler does not see it. Require panics when
// no token can meet p.
//
// If a cookie has opened the answer, Require sets Cache-Control: no-store, unless that
// header is set already; the next handler may replace it (httputil.ReverseProxy adds its
// own, and no-store stays). So no cache has the answer, and a browser does not show it
// again after a logout.
func (g *Gate) Require(p Policy) func(http.Handler) http.Handler {
	d := g.Guard(p)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			v := d.Check(ctx, httpRequest{r})
			switch {
			case v.Preflight:
				w.WriteHeader(http.StatusNoContent)
			case v.Err != nil:
				g.WriteError(w, r, v.Err)
			case v.Clears():
				v.Mark(w.Header())
				v.serve(next, w, r)
			default:
				v.Mark(w.Header())
				serveWith(v.Context(ctx), next, w, r)
			}
		})
	}
}

// Check checks a request against p and returns its token. It writes no answer. A JSON
// or form body that it had to read stays readable. Token and error are both nil for a
// request without a token where p is Optional or Public, and for a request whose token
// is refused where p is Public.
// The error is an [*Error] when the request is refused. Any other error means that a
// store or key source could not answer, or that no token can meet p: deny the request.
func (g *Gate) Check(r *http.Request, p Policy) (*Token, error) {
	return g.CheckRequest(r.Context(), httpRequest{r}, p)
}

// CheckRequest is [Gate.Check] for a request that is not net/http's.
func (g *Gate) CheckRequest(ctx context.Context, r Request, p Policy) (*Token, error) {
	if g.skips(r) {
		return nil, nil
	}
	if err := cmp.Or(g.checkPossible(&p), g.checkPlaces(&p)); err != nil {
		return nil, err
	}
	t, err := g.check(ctx, r, &p)
	if p.passes(err) {
		return nil, nil
	}
	return t, err
}

// check runs the check of a request and tells Config.OnEvent the result. The caller has
// made sure that a token can meet p, and treats the tokens that count as none where p is
// Public.
func (g *Gate) check(ctx context.Context, r Request, p *Policy) (*Token, error) {
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
	t, err := g.checkFound(ctx, &f, p)
	if err == nil {
		g.noteForRenewal(ctx, t)
	}
	return t, err
}

// CheckToken checks a token that did not come in a request: from gRPC metadata, a
// WebSocket message, a command line. It has no location, so p.Optional, p.Public and
// p.Locations do not apply, and there is no CSRF check.
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
	return g.checkFound(ctx, &found{raw: raw}, p)
}

// checkFound checks the token that step 1 found. An error says where the token was and,
// once its signature holds, which token it is.
func (g *Gate) checkFound(ctx context.Context, f *found, p *Policy) (*Token, error) {
	t, err := g.checkSteps(ctx, f, p)
	if err != nil {
		return nil, located(err, f.location, t)
	}
	return t, nil
}

// checkSteps lists the steps 2 to 9 of the package comment. The first that refuses ends
// the check. A nil p ends it after step 4.
func (g *Gate) checkSteps(ctx context.Context, f *found, p *Policy) (*Token, error) {
	t, err := g.checkSignature(ctx, f)
	if err != nil {
		return nil, err
	}
	t.location = f.location
	now := f.now
	if now.IsZero() {
		now = g.cfg.Clock()
	}
	if err := g.checkClaims(t, now); err != nil {
		return t, err
	}
	if err := f.checkCSRF(t); err != nil {
		return t, err
	}
	if err := g.checkExpiry(t, now); err != nil && !f.allowExpired {
		return t, err
	}
	if p == nil {
		return t, nil
	}
	t.demands = p.demands()
	if err := g.checkPolicy(t, p, now); err != nil {
		return t, err
	}
	if err := g.checkBlocklist(ctx, t, p); err != nil {
		return t, err
	}
	if err := g.checkVerify(ctx, t); err != nil {
		return t, err
	}
	if err := g.checkUser(ctx, t); err != nil {
		return t, err
	}
	return t, p.checkAllow(ctx, t)
}

// located names the place where a token was found in the error that refuses it.
func located(err error, location string, t *Token) error {
	if e, ok := err.(*Error); ok {
		e.Location = location
		e.Token = t
	}
	return err
}

// DecodeOptions are for [Gate.Decode]. The zero value asks for nothing special.
type DecodeOptions struct {
	// CSRF is the double submit value that the token must have; "" is not compared.
	CSRF string
	// AllowExpired also accepts a token that has expired, for example at a logout.
	AllowExpired bool
}

// Decode checks signature and claims of a token and returns it. It does not check type,
// freshness or blocklist and calls no hook: the token may have been revoked.
func (g *Gate) Decode(ctx context.Context, raw string, o DecodeOptions) (*Token, error) {
	return g.checkFound(ctx, &found{raw: raw, csrf: o.CSRF, check: o.CSRF != "", allowExpired: o.AllowExpired}, nil)
}

// DecodeRequest is [Gate.Decode] for the token of a request. It looks for the token where
// p says, and checks its type and its CSRF value; o.CSRF is not used. It does not check
// the blocklist and calls no hook. A request without a token is [ErrMissing], also where
// p.Optional is set.
func (g *Gate) DecodeRequest(ctx context.Context, r Request, p Policy, o DecodeOptions) (*Token, error) {
	if err := cmp.Or(g.checkPossible(&p), g.checkPlaces(&p)); err != nil {
		return nil, err
	}
	p.Optional, p.Public = false, false
	f, err := g.locate(r, &p)
	f.allowExpired = o.AllowExpired
	if err == nil && f.choice != nil {
		err = g.chooseCookie(ctx, &f)
	}
	if err != nil {
		return nil, err
	}
	t, err := g.checkFound(ctx, &f, nil)
	if err != nil {
		return nil, err
	}
	t.demands = p.demands()
	if err := g.checkPolicy(t, &p, g.cfg.Clock()); err != nil {
		return nil, located(err, f.location, t)
	}
	return t, nil
}

// skips reports whether the gate leaves r unchecked.
func (g *Gate) skips(r Request) bool {
	return g.compat.EveryOPTIONS && r.Method() == http.MethodOptions
}

// preflight reports whether r looks like a CORS preflight (Fetch standard, section
// 3.3.7). The headers can be forged, so a preflight without a token never reaches a
// handler.
func preflight(r Request) bool {
	return r.Method() == http.MethodOptions && len(r.Header("Access-Control-Request-Method")) > 0
}
