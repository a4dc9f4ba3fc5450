package gate_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

// secret is long enough for HS512. No output of a gate may ever hold it.
const secret = "canary-secret-0123456789-canary-secret-0123456789-canary-secret-0"

// start is the time of tests that do not move it.
var start = time.Unix(1_700_000_000, 0).UTC()

var (
	hs256 = must(keys.HMAC(keys.HS256, []byte(secret)))
	ed    = must(keys.Generate(keys.EdDSA))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// clock is a time that a test moves.
type clock struct{ time.Time }

func newClock() *clock               { return &clock{start} }
func (c *clock) now() time.Time      { return c.Time }
func (c *clock) add(d time.Duration) { c.Time = c.Add(d) }
func stopped() time.Time             { return start }
func stoppedAt(d time.Duration) func() time.Time {
	return func() time.Time { return start.Add(d) }
}

// newGate makes a gate with hs256 and a stopped clock where cfg has none.
func newGate(t testing.TB, cfg gate.Config) *gate.Gate {
	t.Helper()
	if cfg.Keys == nil {
		cfg.Keys = hs256
	}
	if cfg.Clock == nil {
		cfg.Clock = stopped
	}
	g, err := gate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// compatGate is newGate with what only package flask can ask for.
func compatGate(t testing.TB, cfg gate.Config, o compat.Options) *gate.Gate {
	t.Helper()
	cfg.Keys = cmp.Or[keys.Source](cfg.Keys, hs256)
	if cfg.Clock == nil {
		cfg.Clock = stopped
	}
	g, err := compat.New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	return g.(*gate.Gate)
}

// flaskLike is what package flask asks for.
var flaskLike = compat.Options{AnyIdentity: true, EveryOPTIONS: true, OnePlace: true, FirstValue: true}

// at is a number of seconds after start, as JSON.
func at(seconds int64) string { return strconv.FormatInt(start.Unix()+seconds, 10) }

// payload is the JSON of the claims of an access token of alice that starts now and
// ends in 15 minutes. edits are names and their JSON values; "" leaves a claim out.
func payload(edits ...string) string {
	c := map[string]string{
		"fresh": `false`, "iat": at(0), "jti": `"id-1"`, "type": `"access"`, "sub": `"alice"`,
		"nbf": at(0), "csrf": `"canary-csrf-1"`, "exp": at(900),
	}
	for i := 0; i < len(edits); i += 2 {
		c[edits[i]] = edits[i+1]
	}
	maps.DeleteFunc(c, func(_, v string) bool { return v == "" })
	members := make([]string, 0, len(c))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		members = append(members, `"`+name+`":`+c[name])
	}
	return "{" + strings.Join(members, ",") + "}"
}

// mint signs any text as the payload of a token, under the key's own header.
func mint(k *keys.Key, payload string) string {
	return signed(k, k.Header()+"."+encode(payload))
}

// mintWith signs any header and payload.
func mintWith(k *keys.Key, header, payload string) string {
	return signed(k, encode(header)+"."+encode(payload))
}

func signed(k *keys.Key, input string) string {
	return input + "." + must(k.Sign(context.Background(), input))
}

func encode(s string) string { return jws.Enc.EncodeToString([]byte(s)) }

// token is an access token of alice, signed by hs256.
func token(edits ...string) string { return mint(hs256, payload(edits...)) }

// refreshToken is its refresh token.
func refreshToken(edits ...string) string {
	return token(append([]string{"type", `"refresh"`, "jti", `"id-2"`, "csrf", `"canary-csrf-2"`}, edits...)...)
}

// kinds has the kind that goes with a reason; all others are invalid tokens.
var kinds = map[string]error{
	"missing": gate.ErrMissing, "missing_header": gate.ErrMissing, "missing_scheme": gate.ErrMissing,
	"missing_cookie": gate.ErrMissing, "missing_query": gate.ErrMissing, "missing_content_type": gate.ErrMissing,
	"missing_method": gate.ErrMissing, "missing_large_body": gate.ErrMissing, "missing_path": gate.ErrMissing, "csrf_large_form": gate.ErrCSRF,
	"missing_member": gate.ErrMissing, "csrf_missing": gate.ErrCSRF, "csrf_mismatch": gate.ErrCSRF,
	"csrf_origin": gate.ErrCSRF, "csrf_origin_missing": gate.ErrCSRF,
	"scope": gate.ErrScope, "wrong_type": gate.ErrWrongType,
	"expired": gate.ErrExpired, "access_wanted": gate.ErrWrongType, "refresh_wanted": gate.ErrWrongType, "type_wanted": gate.ErrWrongType,
	"not_fresh": gate.ErrNotFresh, "revoked": gate.ErrRevoked, "rejected": gate.ErrRejected, "no_user": gate.ErrNoUser, "never_fresh": gate.ErrRejected,
}

// verdict is how a gate judged: "ok", the reason of a refusal, or "failure" for an
// error that is nobody's refusal. A refusal of the wrong kind is a test error.
func verdict(t testing.TB, err error) string {
	t.Helper()
	var e *gate.Error
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &e):
		return "failure"
	}
	want := kinds[e.Reason]
	if want == nil {
		want = gate.ErrInvalid
	}
	if e.Kind != want || !errors.Is(err, want) {
		t.Errorf("kind of %q = %v, want %v", e.Reason, e.Kind, want)
	}
	return e.Reason
}

// checkVerdict compares the verdict of err with want.
func checkVerdict(t testing.TB, err error, want string) {
	t.Helper()
	if got := verdict(t, err); got != want {
		t.Errorf("verdict = %s (%v), want %s", got, err, want)
	}
}

// request makes one with headers given as "Name: value" lines.
func request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for _, line := range headers {
		name, value := cutHeader(line)
		r.Header.Add(name, value)
	}
	return r
}

// cutHeader cuts a "Name: value" line.
func cutHeader(line string) (name, value string) {
	i := strings.LastIndex(line[:strings.Index(line, " ")], ":")
	return line[:i], line[i+2:]
}

// bearer makes a request with a token in the Authorization header.
func bearer(raw string) *http.Request { return request("GET", "/", "Authorization: Bearer "+raw) }

// withBody makes a request with a body of a content type.
func withBody(method, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// served is what a handler did with a request.
type served struct {
	*httptest.ResponseRecorder
	reached bool
	request *http.Request // as the handler saw it
}

// serve sends r through middleware to a handler that notes that it was reached.
func serve(middleware func(http.Handler) http.Handler, r *http.Request) *served {
	s := &served{ResponseRecorder: httptest.NewRecorder()}
	middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.reached, s.request = true, r
		w.WriteHeader(http.StatusNoContent)
	})).ServeHTTP(s, r)
	return s
}
