package flask_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/jwtgate/gate"
)

// message is a request to send.
type message struct {
	method, path, query, scheme, host string
	headers, cookies                  [][2]string
	body                              []byte
}

// transport takes a request to the application and brings the answer back.
type transport func(a *app, m message) reply

type reply struct {
	status int
	header http.Header
	body   []byte
}

// netTransport is net/http.
func netTransport(a *app, m message) reply {
	var h http.Handler = http.HandlerFunc(a.serveHTTP)
	if a.c.ImplicitRefresh != nil {
		h = a.gate.Renew(gate.RenewOptions{Within: a.renewWithin(), MaxSession: gate.NoExpiry, AnyLocation: true})(h)
	}
	r := httptest.NewRequest(m.method, m.scheme+"://"+m.host+m.path, bytes.NewReader(m.body))
	r.URL.RawQuery = m.query
	for _, kv := range m.headers {
		r.Header.Add(kv[0], kv[1])
	}
	for _, kv := range m.cookies {
		// As AddCookie, which would drop bytes that a real client may send.
		sep := "; "
		if r.Header.Get("Cookie") == "" {
			sep = ""
		}
		r.Header.Set("Cookie", r.Header.Get("Cookie")+sep+kv[0]+"="+kv[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return a.closed(m, reply{w.Code, w.Result().Header, w.Body.Bytes()})
}

func (a *app) serveHTTP(w http.ResponseWriter, r *http.Request) {
	route, ok := a.route(w, r.Method, r.URL.Path)
	if !ok {
		return
	}
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check := func(p gate.Policy) (*gate.Token, error) { return a.gate.Check(r, p) }
		a.handle(route, exchange{r.Context(), w, check})
	}))
	if route.Guard != nil {
		handler = a.gate.Require(route.policy)(handler)
	}
	handler.ServeHTTP(w, r)
}

// route finds the route, and answers itself where the framework does.
func (a *app) route(w http.ResponseWriter, method, path string) (servedRoute, bool) {
	r, found, answers := a.find(method, path)
	switch {
	case !found:
		w.WriteHeader(http.StatusNotFound)
	case answers && r.Guard != nil && a.gate == nil:
		a.failure = errors.New("no gate")
	case answers:
		return r, true
	default:
		w.Header().Set("Allow", strings.Join(r.allow(), ", "))
		if method != http.MethodOptions {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}
	return r, false
}

func (a *app) renewWithin() time.Duration {
	return time.Duration(a.c.ImplicitRefresh.Within * float64(time.Second))
}

// closed is the answer as a client gets it.
func (a *app) closed(m message, r reply) reply {
	if a.failure != nil {
		return reply{http.StatusInternalServerError, http.Header{}, nil}
	}
	if m.method == http.MethodHead {
		r.body = nil
	}
	return r
}

// ownTransport knows nothing of net/http's requests.
func ownTransport(a *app, m message) reply {
	w := &ownWriter{header: http.Header{}}
	t := a.serveOwn(w, m)
	if a.c.ImplicitRefresh != nil && t != nil {
		a.renewOwn(w, t)
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return a.closed(m, reply{w.status, w.header, w.body})
}

// serveOwn is a guard for the own transport. It returns the token of the request.
func (a *app) serveOwn(w http.ResponseWriter, m message) *gate.Token {
	route, ok := a.route(w, m.method, m.path)
	if !ok {
		return nil
	}
	ctx := context.Background()
	var last *gate.Token
	check := func(p gate.Policy) (t *gate.Token, err error) {
		t, err = a.gate.CheckRequest(ctx, ownRequest{m}, p)
		if err == nil {
			last = t
		}
		return t, err
	}
	if route.Guard == nil || m.method == http.MethodOptions {
		a.handle(route, exchange{ctx, w, check})
		return last
	}
	t, err := check(route.policy)
	if err != nil {
		a.gate.WriteError(w, nil, err)
		return nil
	}
	a.handle(route, exchange{gate.NewContext(ctx, t), w, check})
	return last
}

// renewOwn is implicit refresh by hand.
func (a *app) renewOwn(w http.ResponseWriter, t *gate.Token) {
	if t.Expiry.IsZero() || !t.Expiry.Before(a.now.Add(a.renewWithin())) {
		return
	}
	raw, err := a.gate.CreateAccessToken(context.Background(), t.Identity(), gate.TokenOptions{})
	if err != nil {
		return
	}
	if cookies, err := a.gate.AccessCookies(context.Background(), raw, gate.CookieOptions{}); err == nil {
		gate.SetCookies(w, cookies)
	}
}

// ownRequest implements gate.Request on a message.
type ownRequest struct{ m message }

var _ gate.Request = ownRequest{}

func (r ownRequest) Method() string { return r.m.method }

func (r ownRequest) Host() string { return r.m.host }

func (r ownRequest) PathValue(string) string { return "" }

func (r ownRequest) Header(name string) []string {
	return pairs(r.m.headers, func(s string) bool { return strings.EqualFold(s, name) })
}

// Cookies takes the quotes off a value, as servers do.
func (r ownRequest) Cookies(name string) []string {
	values := pairs(r.m.cookies, func(s string) bool { return s == name })
	for i, v := range values {
		if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
			values[i] = v[1 : len(v)-1]
		}
	}
	return values
}

func (r ownRequest) Query(name string) []string {
	all, _ := url.ParseQuery(r.m.query)
	return all[name]
}

func (r ownRequest) Body(limit int) ([]byte, bool, error) {
	if len(r.m.body) > limit {
		return r.m.body[:limit], false, nil
	}
	return r.m.body, true, nil
}

func pairs(all [][2]string, match func(string) bool) []string {
	var found []string
	for _, kv := range all {
		if match(kv[0]) {
			found = append(found, kv[1])
		}
	}
	return found
}

// ownWriter implements http.ResponseWriter, which is what answers are written to.
type ownWriter struct {
	header http.Header
	status int
	body   []byte
}

func (w *ownWriter) Header() http.Header { return w.header }

func (w *ownWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *ownWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b...)
	return len(b), nil
}
