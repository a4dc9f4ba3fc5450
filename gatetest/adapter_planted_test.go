package gatetest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unsafe"

	"github.com/jwtgate/gate"
)

var plantedAdapters = []adapterFault{
	{name: "goes on after a refusal", check: "policies", guard: served(func(x *visit) bool {
		if x.v.Err != nil {
			x.next.ServeHTTP(x.w, x.r)
		}
		return x.v.Err != nil
	})},
	{name: "answers and goes on", check: "policies", guard: served(func(x *visit) bool {
		if x.v.Err != nil {
			x.g.WriteError(x.w, x.r, x.v.Err)
			x.next.ServeHTTP(x.w, x.r)
		}
		return x.v.Err != nil
	})},
	{name: "lets in when a store is down", check: "policies", guard: served(func(x *visit) bool {
		if gate.StatusCode(x.v.Err) == http.StatusServiceUnavailable {
			x.v.Err = nil
		}
		return false
	})},
	{name: "makes every refusal a 401", check: "policies", guard: served(func(x *visit) bool {
		if x.v.Err != nil {
			x.v.Err = gate.ErrInvalid
		}
		return false
	})},
	{name: "loses the context", check: "policies", ctx: func(ctx context.Context) context.Context { return gate.NewContext(ctx, nil) }},
	{name: "answers in its own words", check: "errors", guard: served(func(x *visit) bool {
		if x.v.Err != nil {
			http.Error(x.w, x.v.Err.Error(), gate.StatusCode(x.v.Err))
		}
		return x.v.Err != nil
	})},
	{name: "drops the challenge", check: "errors", guard: served(func(x *visit) bool {
		if x.v.Err != nil {
			status, _, body := x.g.Answer(x.v.Err)
			x.w.WriteHeader(status)
			x.w.Write(body)
		}
		return x.v.Err != nil
	})},
	{name: "lets every OPTIONS in", check: "preflights", guard: served(func(x *visit) bool {
		if x.r.Method == http.MethodOptions {
			x.next.ServeHTTP(x.w, x.r)
		}
		return x.r.Method == http.MethodOptions
	})},
	{name: "knows no preflight", check: "preflights", guard: served(func(x *visit) bool {
		x.v.Preflight = false
		return false
	})},
	{name: "takes any preflight for one without a token", check: "preflights", guard: served(func(x *visit) bool {
		x.v.Preflight = x.r.Header.Get("Access-Control-Request-Method") != ""
		return false
	})},
	{name: "guards once", check: "nested guards", guard: served(func(x *visit) bool {
		if gate.Guarded(x.r.Context()) {
			x.next.ServeHTTP(x.w, x.r)
			return true
		}
		return false
	})},
	{name: "leaves a visitor the token of an outer guard", check: "nested guards", guard: served(func(x *visit) bool {
		if x.v.Err == nil && x.v.Token == nil {
			x.next.ServeHTTP(x.w, x.r)
			return true
		}
		return false
	})},
	{name: "sees one value of a header", check: "locations", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, header: func(name string) []string { return first(q.Header(name)) }}
	})},
	{name: "knows headers by their case", check: "locations", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, header: func(name string) []string { return r.Header[name] }}
	})},
	{name: "has empty headers where there are none", check: "locations", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, header: func(name string) []string { return append([]string{}, q.Header(name)...) }}
	})},
	{name: "sees one cookie of a name", check: "locations", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, cookies: func(name string) []string { return first(q.Cookies(name)) }}
	})},
	{name: "reads one header of cookies", check: "locations", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, cookies: func(name string) []string {
			one := &http.Request{Header: http.Header{"Cookie": first(r.Header["Cookie"])}}
			return gate.HTTPRequest(one).Cookies(name)
		}}
	})},
	{name: "knows cookies without case", check: "locations", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, cookies: func(name string) (values []string) {
			for _, c := range r.Cookies() {
				if strings.EqualFold(c.Name, name) {
					values = append(values, c.Value)
				}
			}
			return values
		}}
	})},
	{name: "sees one value of a parameter", check: "locations", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, query: func(name string) []string { return first(q.Query(name)) }}
	})},
	{name: "decodes no parameters", check: "locations", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, query: func(name string) []string {
			_, v, _ := strings.Cut(r.URL.RawQuery, url.QueryEscape(name)+"=")
			return []string{v}
		}}
	})},
	{name: "decodes no path", check: "locations", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, path: func(string) string { return r.URL.EscapedPath()[strings.LastIndex(r.URL.EscapedPath(), "/")+1:] }}
	})},
	{name: "eats the body", check: "bodies", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, body: func(limit int) ([]byte, bool, error) {
			data, err := io.ReadAll(r.Body)
			return data[:min(limit, len(data))], len(data) <= limit, err
		}}
	})},
	{name: "gives the handler what the gate has read", check: "bodies", guard: seen(func(q gate.Request, r *http.Request) gate.Request {
		return view{Request: q, body: func(limit int) ([]byte, bool, error) {
			data, whole, err := q.Body(limit)
			r.Body = io.NopCloser(bytes.NewReader(data))
			return data, whole, err
		}}
	})},
	{name: "has no limit for bodies", check: "bodies", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, body: func(int) ([]byte, bool, error) { return q.Body(1 << 20) }}
	})},
	{name: "reads no form", check: "CSRF", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, body: func(int) ([]byte, bool, error) { return nil, true, nil }}
	})},
	{name: "does not know its host", check: "CSRF", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, host: func() string { return "localhost" }}
	})},
	{name: "has a host without port", check: "CSRF", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, header: func(name string) []string {
			if values := q.Header(name); name == "Origin" && len(values) == 1 {
				return []string{strings.TrimSuffix(values[0], ":8443")}
			}
			return q.Header(name)
		}}
	})},
	{name: "takes any method for a safe one", check: "CSRF", guard: func(g *gate.Gate, p gate.Policy) func(http.Handler) http.Handler {
		p.SkipCSRF = true
		return g.Require(p)
	}},
	{name: "tells caches nothing", check: "caching", guard: served(func(x *visit) bool {
		x.v.Vary, x.v.NoStore = false, false
		return false
	})},
	{name: "repeats itself", check: "caching", guard: served(func(x *visit) bool {
		if x.v.Vary {
			x.w.Header().Add("Vary", "Cookie")
		}
		x.v.Vary = false
		return false
	})},
	{name: "lets no browser store any answer", check: "caching", guard: served(func(x *visit) bool {
		x.v.NoStore = x.v.Err == nil
		return false
	})},
	{name: "sets one cookie", check: "setting cookies", cookies: func(w http.ResponseWriter, list []*http.Cookie) {
		for _, c := range list {
			w.Header().Set("Set-Cookie", c.String())
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Del("CDN-Cache-Control")
		}
	}},
	{name: "has cookies cached", check: "setting cookies", cookies: func(w http.ResponseWriter, list []*http.Cookie) {
		for _, c := range list {
			http.SetCookie(w, c)
		}
	}},
	{name: "clears no cookies", check: "public", guard: served(func(x *visit) bool {
		if x.v.Clears() {
			x.next.ServeHTTP(x.w, x.r.WithContext(x.v.Context(x.r.Context())))
		}
		return x.v.Clears()
	})},
	{name: "clears the cookies of a login", check: "public", guard: served(func(*visit) bool { return false })},
	{name: "never renews", check: "renewal", renew: func(*gate.Gate, gate.RenewOptions) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler { return next }
	}},
	{name: "renews always", check: "renewal", renew: func(g *gate.Gate, o gate.RenewOptions) func(http.Handler) http.Handler {
		o.Within, o.AnyLocation = 24*60*60*1e9, true
		return g.Renew(o)
	}},
	{name: "renews what the handler has cleared", check: "renewal", renew: renewsFirst},
	{name: "lets in on a panic", check: "panics", guard: func(g *gate.Gate, p gate.Policy) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			guarded := g.Require(p)(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if recover() != nil {
						next.ServeHTTP(w, r.WithContext(gate.NewContext(r.Context(), nil)))
					}
				}()
				guarded.ServeHTTP(w, r)
			})
		}
	}},
	{name: "takes small headers only", check: "big headers", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, header: func(name string) []string {
			values := q.Header(name)
			for i, v := range values {
				values[i] = v[:min(len(v), 2048)]
			}
			return values
		}}
	})},
	{name: "keeps memory that is used again", check: "memory", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, path: func(name string) string {
			n := copy(reused[:], q.PathValue(name))
			return unsafe.String(&reused[0], n)
		}}
	})},
	{name: "has one body for all", check: "memory", guard: seen(func(q gate.Request, _ *http.Request) gate.Request {
		return view{Request: q, body: func(limit int) ([]byte, bool, error) {
			data, whole, err := q.Body(limit)
			return reused[:copy(reused[:], data)], whole, err
		}}
	})},
	{name: "has one token for all", check: "at once",
		guard: served(func(x *visit) bool {
			lastToken.Store(x.v.Token)
			return false
		}),
		ctx: func(ctx context.Context) context.Context { return gate.NewContext(ctx, lastToken.Load()) },
	},
}

// renewsFirst asks before the handler has answered.
func renewsFirst(g *gate.Gate, o gate.RenewOptions) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if t, err := g.Check(r, gate.Policy{Optional: true}); err == nil && t != nil {
				cookies, _ := g.RenewCookies(r.Context(), t, nil, o)
				gate.SetCookies(w, cookies)
			}
			next.ServeHTTP(w, r)
		})
	}
}
