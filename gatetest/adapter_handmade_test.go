package gatetest_test

import (
	"net/http"
	"sync/atomic"

	"github.com/jwtgate/gate"
)

type (
	guardFunc = func(g *gate.Gate, p gate.Policy) func(http.Handler) http.Handler
	visit     struct {
		g    *gate.Gate
		v    gate.Verdict
		w    http.ResponseWriter
		r    *http.Request
		next http.Handler
	}
)

// handMade is a guard such as adapters are: it sees requests through see, and bend may
// serve a request, or change how it is served.
func handMade(see func(*http.Request) gate.Request, bend func(*visit) (served bool)) guardFunc {
	return func(g *gate.Gate, p gate.Policy) func(http.Handler) http.Handler {
		guard := g.Guard(p)
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				x := &visit{g, guard.Check(r.Context(), see(r)), w, r, next}
				if !bend(x) {
					x.serve()
				}
			})
		}
	}
}

// serve does all that an adapter does, but that it clears the cookies first.
func (x *visit) serve() {
	switch {
	case x.v.Preflight:
		x.w.WriteHeader(http.StatusNoContent)
	case x.v.Err != nil:
		x.g.WriteError(x.w, x.r, x.v.Err)
	default:
		x.v.Mark(x.w.Header())
		gate.SetCookies(x.w, x.v.ClearCookies(x.r.Context(), nil))
		x.next.ServeHTTP(x.w, x.r.WithContext(x.v.Context(x.r.Context())))
	}
}

func served(bend func(*visit) bool) guardFunc { return handMade(gate.HTTPRequest, bend) }

func seen(see func(gate.Request, *http.Request) gate.Request) guardFunc {
	return handMade(func(r *http.Request) gate.Request { return see(gate.HTTPRequest(r), r) }, func(*visit) bool { return false })
}

// view is a request of which some is seen in another way.
type view struct {
	gate.Request
	header, cookies, query func(name string) []string
	path                   func(name string) string
	body                   func(limit int) ([]byte, bool, error)
	host                   func() string
}

func (v view) Header(name string) []string {
	if v.header != nil {
		return v.header(name)
	}
	return v.Request.Header(name)
}

func (v view) Cookies(name string) []string {
	if v.cookies != nil {
		return v.cookies(name)
	}
	return v.Request.Cookies(name)
}

func (v view) Query(name string) []string {
	if v.query != nil {
		return v.query(name)
	}
	return v.Request.Query(name)
}

func (v view) PathValue(name string) string {
	if v.path != nil {
		return v.path(name)
	}
	return v.Request.PathValue(name)
}

func (v view) Body(limit int) ([]byte, bool, error) {
	if v.body != nil {
		return v.body(limit)
	}
	return v.Request.Body(limit)
}

func (v view) Host() string {
	if v.host != nil {
		return v.host()
	}
	return v.Request.Host()
}

func first(values []string) []string { return values[:min(1, len(values))] }

// reused is the memory of a server that uses it for each request again.
var reused [64]byte

// lastToken is the token of whichever request was the last.
var lastToken atomic.Pointer[gate.Token]
