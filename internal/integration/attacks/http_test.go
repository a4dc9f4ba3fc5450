package attacks_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/attacks"
)

// errNetHTTP is the refusal of a request that net/http itself does not take.
var errNetHTTP = errors.New("net/http refused the request")

// httpConfig is what a case of layer http may set.
type httpConfig struct {
	Locations             []string `json:"locations"`
	CSRFProtect           *bool    `json:"csrfProtect"`
	CSRFMethods           []string `json:"csrfMethods"`
	CookieName            string   `json:"cookieName"`
	QueryPrefix           string   `json:"queryPrefix"`
	CrossOriginProtection bool     `json:"crossOriginProtection"`
}

// classic are the four methods that the corpus lists for "all unsafe ones".
const classic = "POST PUT PATCH DELETE"

func (hc *httpConfig) apply(cfg *gate.Config) error {
	at := map[string]gate.Location{
		"headers": gate.FromHeader("Authorization", "Bearer"),
		"cookies": gate.FromCookies(),
		"query":   gate.FromQuery("jwt", hc.QueryPrefix),
		"json":    gate.FromJSON("access_token", "refresh_token"),
	}
	cfg.Locations = []gate.Location{}
	for _, name := range hc.Locations {
		l, ok := at[name]
		if !ok {
			return fmt.Errorf("location %q is not known", name)
		}
		cfg.Locations = append(cfg.Locations, l)
	}
	cfg.Cookies.Access.Name = hc.CookieName
	cfg.Cookies.CSRF.Disabled = hc.CSRFProtect != nil && !*hc.CSRFProtect
	if strings.Join(hc.CSRFMethods, " ") != classic {
		cfg.Cookies.CSRF.Methods = hc.CSRFMethods
	}
	return nil
}

// request is the request of a case, as it goes over the wire.
type request struct {
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	Headers  [][2]string `json:"headers"`
	BodyText string      `json:"bodyText"`
	body     string
	head     string
}

// wire expands the placeholders once; read makes requests of it.
func (r *request) wire(c *attacks.Corpus) error {
	var err error
	if r.body, err = c.Expand(r.BodyText); err != nil {
		return err
	}
	lines := []string{r.Method + " " + r.Path + " HTTP/1.1", "Host: api.example"}
	for _, h := range r.Headers {
		lines = append(lines, h[0]+": "+h[1])
	}
	if r.body != "" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(r.body)))
	}
	r.head, err = c.Expand(strings.Join(lines, "\r\n") + "\r\n\r\n")
	return err
}

func (r *request) read() (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(r.head), strings.NewReader(r.body))))
}

// site is a guarded route that remembers what happened on it.
type site struct {
	handler http.Handler
	ran     bool
	subject string
	body    string
	err     error // that the gate refused with
}

func newSite(cfg gate.Config, crossOrigin bool) (*site, error) {
	s := &site{}
	answer := gate.JSONErrors("msg")
	cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) {
		s.err = err
		answer(w, r, err)
	}
	g, err := gate.New(cfg)
	if err != nil {
		return nil, err
	}
	s.handler = g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ran = true
		if t, ok := gate.FromContext(r.Context()); ok {
			s.subject = t.Subject
		}
		body, err := io.ReadAll(r.Body)
		s.body = string(body)
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
		}
	}))
	if crossOrigin {
		s.handler = http.NewCrossOriginProtection().Handler(s.handler)
	}
	return s, nil
}

// serve sends one request and returns the answer.
func (s *site) serve(t *testing.T, r *request) *httptest.ResponseRecorder {
	t.Helper()
	s.ran, s.subject, s.body, s.err = false, "", "", nil
	w := httptest.NewRecorder()
	req, err := r.read()
	if err != nil {
		s.err = errNetHTTP
		w.WriteHeader(http.StatusBadRequest)
		return w
	}
	s.handler.ServeHTTP(w, req)
	if !s.ran && s.err == nil {
		s.err = errNetHTTP // CrossOriginProtection answered
	}
	return w
}

// runHTTP runs a case of layer http.
func runHTTP(t *testing.T, c *attacks.Corpus, e *attacks.Entry) {
	x := expected(t, e)
	var hc httpConfig
	if err := attacks.Strict(e.Config, &hc); err != nil {
		t.Fatalf("config: %v", err)
	}
	var r request
	if err := attacks.Strict(e.Request, &r); err != nil {
		t.Fatalf("request: %v", err)
	}
	if err := r.wire(c); err != nil {
		t.Fatal(err)
	}
	cfg, err := gateConfig(c, "hs256")
	if err != nil {
		t.Fatal(err)
	}
	if err := hc.apply(&cfg); err != nil {
		t.Fatal(err)
	}
	s, err := newSite(cfg, hc.CrossOriginProtection)
	if err != nil {
		t.Fatal(err)
	}
	logged := captureLog(t)
	var w *httptest.ResponseRecorder
	offline(t, func() { w = s.serve(t, &r) })
	judge(t, e, x, s.err)
	checkAnswer(t, x, s, w)
	checkHTTP(t, e, s, &r, w, logged.String())
	b, _ := readBounds(t, e.MustNot)
	b.check(t, func() func() {
		req, err := r.read()
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		return func() { s.handler.ServeHTTP(w, req) }
	})
}

// checkAnswer holds for every case: the handler runs exactly when the request is
// let through, and a refusal names its scheme and is not cached.
func checkAnswer(t *testing.T, x attacks.Expected, s *site, w *httptest.ResponseRecorder) {
	t.Helper()
	switch {
	case s.ran != (x.Outcome == "accept"):
		t.Errorf("handler ran = %v, want %v", s.ran, !s.ran)
	case x.Identity != "" && s.subject != x.Identity:
		t.Errorf("identity = %q, want %q", s.subject, x.Identity)
	case s.ran && w.Code != http.StatusOK, !s.ran && w.Code < 400:
		t.Errorf("status = %d", w.Code)
	case w.Code != x.HTTPStatus:
		t.Logf("warning: status = %d, corpus has %d", w.Code, x.HTTPStatus)
	}
	h := w.Header()
	if w.Code == http.StatusUnauthorized && (!strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") || h.Get("Cache-Control") != "no-store") {
		t.Errorf("401 with WWW-Authenticate %q, Cache-Control %q", h.Get("WWW-Authenticate"), h.Get("Cache-Control"))
	}
}

// checkHTTP sees to the demands of a case that are not numbers.
func checkHTTP(t *testing.T, e *attacks.Entry, s *site, r *request, w *httptest.ResponseRecorder, logged string) {
	t.Helper()
	all := answerText(w)
	_, rest := readBounds(t, e.MustNot)
	for _, m := range rest {
		bad := false
		switch m {
		case "panic", "handler runs":
			// noPanic and checkAnswer have seen to it.
		case "X-Evil in the response":
			bad = strings.Contains(all, "X-Evil")
		case "unescaped control characters in any header":
			bad = controlInHeader(w.Header())
		case "token or secret material in the response or log":
			bad = leaks(all+logged+fmt.Sprint(s.err), r)
		case "the string <script> in a response with an HTML content type":
			bad = strings.Contains(w.Body.String(), "<script>") && !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json")
		case "body consumed or altered for the handler":
			bad = s.body != r.body
		default:
			t.Errorf("mustNot %q is not known", m)
		}
		if bad {
			t.Errorf("%s: %q", m, all)
		}
	}
}

func answerText(w *httptest.ResponseRecorder) string {
	var b bytes.Buffer
	w.Header().Write(&b)
	return b.String() + w.Body.String()
}

func controlInHeader(h http.Header) bool {
	for name, values := range h {
		if strings.ContainsFunc(name+strings.Join(values, ""), func(c rune) bool { return c < 0x20 || c == 0x7f }) {
			return true
		}
	}
	return false
}

// leaks reports whether text has eight characters in a row of any credential that
// the request carries.
func leaks(text string, r *request) bool {
	for line := range strings.SplitSeq(r.head, "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		value = strings.TrimPrefix(value, "Bearer ")
		if name != "Authorization" && name != "Cookie" {
			continue
		}
		for i := 0; i+8 <= len(value); i++ {
			if strings.Contains(text, value[i:i+8]) {
				return true
			}
		}
	}
	return false
}

// captureLog catches what is logged through log and log/slog for the test.
func captureLog(t *testing.T) *bytes.Buffer {
	var b bytes.Buffer
	oldWriter, oldFlags, oldLogger := log.Writer(), log.Flags(), slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	log.SetOutput(&b)
	t.Cleanup(func() {
		slog.SetDefault(oldLogger)
		log.SetOutput(oldWriter)
		log.SetFlags(oldFlags)
	})
	return &b
}

// echo sends a token in a request and looks for its kid in answer and log.
func echo(t *testing.T, cfg gate.Config, raw string) {
	t.Helper()
	u, err := gate.Peek(raw)
	if err != nil || u.KeyID() == "" {
		t.Fatalf("the token has no kid to echo: %v", err)
	}
	s, err := newSite(cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	logged := captureLog(t)
	w := s.serve(t, &request{head: "GET /protected HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer " + raw + "\r\n\r\n"})
	if s.ran {
		t.Error("the handler ran")
	}
	if len(u.KeyID()) < 3 { // "*" stands in many an answer
		return
	}
	if all := answerText(w) + logged.String() + fmt.Sprint(s.err); strings.Contains(all, u.KeyID()) {
		t.Errorf("the kid stands in %q", all)
	}
}
