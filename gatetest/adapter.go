package gatetest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// An AdapterApp is an application that an adapter serves for the suite.
type AdapterApp struct {
	// Gate guards the routes, and answers for those that are refused.
	Gate *gate.Gate
	// Renew is nil, or what the adapter's Renew around all routes is given.
	Renew *gate.RenewOptions
	// Routes are all there are. Each is for every method.
	Routes []AdapterRoute
}

// An AdapterRoute is a route of an [AdapterApp].
type AdapterRoute struct {
	// Pattern is the path, which may have one wildcard: "/reset/{token}".
	Pattern string
	// Policies are those of the guards of the route, the outermost first.
	Policies []gate.Policy
	// Handle is called by the handler with the context that it hands on to others, what
	// the adapter tells handlers of token and user, and the request's body.
	Handle func(ctx context.Context, t *gate.Token, user any, body []byte) AdapterAnswer
}

// An AdapterAnswer is what a handler answers: the header first, then the cookies as the
// adapter sets them, status and body. An empty body is not written.
type AdapterAnswer struct {
	Header  http.Header
	Cookies []*http.Cookie
	Status  int
	Body    string
}

// Adapter runs the suite that every adapter of an HTTP framework passes, best under
// -race. build returns the function that serves the application on a listener until that
// is closed. The application recovers panics as is usual for the framework, and
// answers them with 500; it takes headers of at least 16 KiB. The suite speaks to it in
// process, over TCP, and over TLS with HTTP/2.
func Adapter(t *testing.T, build func(t *testing.T, app AdapterApp) (serve func(l net.Listener) error)) {
	runAdapter(t, build, "h2", "http/1.1")
}

// AdapterHTTP1 is [Adapter] for a framework that has no HTTP/2.
func AdapterHTTP1(t *testing.T, build func(t *testing.T, app AdapterApp) (serve func(l net.Listener) error)) {
	runAdapter(t, build, "http/1.1")
}

// runAdapter runs the suite with an application that speaks these protocols over TLS.
func runAdapter(t *testing.T, build func(*testing.T, AdapterApp) func(net.Listener) error, protocols ...string) {
	for _, carrier := range carriers {
		t.Run(carrier.name, func(t *testing.T) {
			for _, check := range adapterChecks {
				t.Run(check.name, func(t *testing.T) {
					check.run(newAdapterSuite(t, carrier.with(protocols), build))
				})
			}
		})
	}
}

var adapterChecks = []struct {
	name string
	run  func(*adapterSuite)
}{
	{"policies", (*adapterSuite).checkPolicies},
	{"errors", (*adapterSuite).checkErrors},
	{"preflights", (*adapterSuite).checkPreflights},
	{"nested guards", (*adapterSuite).checkNested},
	{"locations", (*adapterSuite).checkLocations},
	{"bodies", (*adapterSuite).checkBodies},
	{"CSRF", (*adapterSuite).checkCSRF},
	{"caching", (*adapterSuite).checkCaching},
	{"setting cookies", (*adapterSuite).checkSetCookies},
	{"public", (*adapterSuite).checkPublic},
	{"renewal", (*adapterSuite).checkRenewal},
	{"panics", (*adapterSuite).checkPanics},
	{"big headers", (*adapterSuite).checkBigHeaders},
	{"memory", (*adapterSuite).checkMemory},
	{"at once", (*adapterSuite).checkAtOnce},
}

// adapterSuite is one check at work.
type adapterSuite struct {
	*testing.T
	clock *Clock
	key   *keys.Key
	cfg   gate.Config
	gate  *gate.Gate // of the last start
	serve func(app AdapterApp) *http.Client

	client *http.Client
	url    string
	mu     sync.Mutex
	calls  []adapterCall
	bodies []keptBody
}

// adapterCall is one call of a handler.
type adapterCall struct {
	token *gate.Token
	user  any
	body  string
}

func newAdapterSuite(t *testing.T, c carrier, build func(*testing.T, AdapterApp) func(net.Listener) error) *adapterSuite {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	clock := ClockAt(time.Now())
	s := &adapterSuite{T: t, clock: clock, key: key}
	s.cfg = gate.Config{
		Keys: key, Clock: clock.Now, Blocklist: adapterBlocklist{},
		Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()},
		Verify: func(_ context.Context, t *gate.Token) error {
			switch t.Subject {
			case "rejected":
				return errors.New("secret reason")
			case "panics":
				panic("a hook panics")
			}
			return nil
		},
		LoadUser: func(_ context.Context, t *gate.Token) (any, error) {
			if t.Subject == "nobody" {
				return nil, gate.ErrNoUser
			}
			return "user " + t.Subject, nil
		},
	}
	s.serve = func(app AdapterApp) *http.Client { return c.start(t, build(t, app)) }
	s.url = cmp.Or(c.scheme, "http") + "://gate.example"
	return s
}

// adapterBlocklist knows tokens by their "jti".
type adapterBlocklist struct{}

func (adapterBlocklist) Blocked(_ context.Context, t *gate.Token) (bool, error) {
	if t.ID == "down" {
		return false, errors.New("secret address of the store")
	}
	return t.ID == "revoked", nil
}

// start serves routes; those without a Handle say who they are called by.
func (s *adapterSuite) start(renew *gate.RenewOptions, routes ...AdapterRoute) {
	s.Helper()
	g, err := gate.New(s.cfg)
	if err != nil {
		s.Fatal(err)
	}
	s.gate = g
	for i := range routes {
		routes[i].Handle = s.watched(routes[i])
	}
	s.client = s.serve(AdapterApp{Gate: g, Renew: renew, Routes: routes})
}

// watched is the handler of a route, which notes its calls, and holds what the adapter
// says against what the context says.
func (s *adapterSuite) watched(r AdapterRoute) func(context.Context, *gate.Token, any, []byte) AdapterAnswer {
	handle := r.Handle
	if handle == nil {
		handle = func(_ context.Context, t *gate.Token, _ any, _ []byte) AdapterAnswer {
			return AdapterAnswer{Status: http.StatusOK, Body: subjectOf(t)}
		}
	}
	return func(ctx context.Context, t *gate.Token, user any, body []byte) AdapterAnswer {
		inner, _ := gate.FromContext(ctx)
		own, _ := s.gate.FromContext(ctx)
		if inner != t || own != t {
			s.Errorf("%s: the adapter says %v, the context %v, and that of the gate %v", r.Pattern, t, inner, own)
		}
		if known, _ := gate.User[any](ctx); known != user {
			s.Errorf("%s: the adapter says user %v, the context %v", r.Pattern, user, known)
		}
		if got, want := gate.Guarded(ctx), len(r.Policies) > 0; got != want {
			s.Errorf("%s: Guarded = %v, want %v", r.Pattern, got, want)
		}
		s.mu.Lock()
		s.calls = append(s.calls, adapterCall{t, user, string(body)})
		s.mu.Unlock()
		return handle(ctx, t, user, body)
	}
}

func subjectOf(t *gate.Token) string {
	if t == nil {
		return "a visitor"
	}
	return t.Subject
}

// token mints an access token, with changes.
func (s *adapterSuite) token(claims map[string]any) string {
	s.Helper()
	return s.clock.Token(s.T, s.key, claims)
}

// cookie mints a token for a cookie, whose CSRF value is "value".
func (s *adapterSuite) cookie(claims map[string]any) string {
	all := map[string]any{"csrf": "value", "sid": "login"}
	for name, v := range claims {
		all[name] = v
	}
	return "access_token_cookie=" + s.token(all)
}

// request makes a request; header has names and values in turn.
func (s *adapterSuite) request(method, path, body string, header ...string) *http.Request {
	s.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, r)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header[header[i]] = append(req.Header[header[i]], header[i+1])
	}
	return req
}

// adapterReply is an answer, and the call of a handler that made it.
type adapterReply struct {
	*http.Response
	body   string
	call   adapterCall
	called bool
}

// do sends a request, and wants it to reach one handler, or none.
func (s *adapterSuite) do(r *http.Request) adapterReply {
	s.Helper()
	s.mu.Lock()
	s.calls = nil
	s.mu.Unlock()
	resp, body := s.send(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := adapterReply{Response: resp, body: body, called: len(s.calls) > 0}
	if len(s.calls) > 1 {
		s.Errorf("%s: %d calls of a handler", r.URL.Path, len(s.calls))
	}
	if reply.called {
		reply.call = s.calls[0]
	}
	return reply
}

func (s *adapterSuite) send(r *http.Request) (*http.Response, string) {
	s.Helper()
	resp, err := s.client.Do(r)
	if err != nil {
		s.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return resp, string(body)
}

// want sends a request, and wants its status, and a handler called only with 200.
func (s *adapterSuite) want(status int, what string, r *http.Request) adapterReply {
	s.Helper()
	reply := s.do(r)
	if reply.StatusCode != status {
		s.Errorf("%s: status = %d, want %d: %s", what, reply.StatusCode, status, reply.body)
	}
	if want := status == http.StatusOK; reply.called != want {
		s.Errorf("%s: the handler was called: %v, want %v", what, reply.called, want)
	}
	return reply
}
