package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// texts returns header and payload of a token, with "<uuid>" for what is random.
func texts(t *testing.T, raw string) (header, payload string) {
	t.Helper()
	part := strings.Split(raw, ".")
	if len(part) != 3 {
		t.Fatalf("token has %d segments", len(part))
	}
	h, ok1 := jws.DecodeSegment(part[0])
	p, ok2 := jws.DecodeSegment(part[1])
	if !ok1 || !ok2 {
		t.Fatal("token is not base64url")
	}
	return string(h), uuid.ReplaceAllString(string(p), "<uuid>")
}

func TestCreatedToken(t *testing.T) {
	const begin = `{"fresh":false,"iat":1700000000,"jti":"<uuid>","type":"access","sub":"alice","nbf":1700000000,"csrf":"<uuid>","sid":"<uuid>"`
	for _, tt := range []struct {
		name    string
		create  gate.Create
		options gate.TokenOptions
		want    string
	}{
		{"default", gate.Create{}, gate.TokenOptions{}, begin + `,"exp":1700000900}`},
		{"fresh", gate.Create{}, gate.TokenOptions{Fresh: true}, strings.Replace(begin, "false", "true", 1) + `,"exp":1700000900}`},
		{"lifetime", gate.Create{AccessLifetime: time.Hour}, gate.TokenOptions{}, begin + `,"exp":1700003600}`},
		{"lifetime of the call", gate.Create{}, gate.TokenOptions{ExpiresIn: time.Minute}, begin + `,"exp":1700000060}`},
		{"session", gate.Create{}, gate.TokenOptions{SessionID: "s\"1"}, strings.TrimSuffix(begin, `"<uuid>"`) + `"s\"1","exp":1700000900}`},
		{"no session", gate.Create{OmitSession: true}, gate.TokenOptions{}, strings.TrimSuffix(begin, `,"sid":"<uuid>"`) + `,"exp":1700000900}`},
		{"issuer", gate.Create{Issuer: `a"b`}, gate.TokenOptions{}, begin + `,"iss":"a\"b","exp":1700000900}`},
		{"audience", gate.Create{Audience: []string{"é"}}, gate.TokenOptions{}, begin + `,"aud":"é","exp":1700000900}`},
		{"audience as an array", gate.Create{Audience: []string{"a"}, AudienceArray: true}, gate.TokenOptions{}, begin + `,"aud":["a"],"exp":1700000900}`},
		{"audiences", gate.Create{Audience: []string{"a", "b"}}, gate.TokenOptions{}, begin + `,"aud":["a","b"],"exp":1700000900}`},
		{"no nbf", gate.Create{OmitNotBefore: true}, gate.TokenOptions{}, strings.Replace(begin, `"nbf":1700000000,`, "", 1) + `,"exp":1700000900}`},
		{"other identity claim", gate.Create{IdentityClaim: "user"}, gate.TokenOptions{}, strings.Replace(begin, `"sub"`, `"user"`, 1) + `,"exp":1700000900}`},
		{"claims behind, in order", gate.Create{}, gate.TokenOptions{Claims: map[string]any{"z": 1, "a": []string{"x"}, "": nil}},
			begin + `,"exp":1700000900,"":null,"a":["x"],"z":1}`},
		{"claims in place of its own", gate.Create{Issuer: "i", Audience: []string{"a"}},
			gate.TokenOptions{Claims: map[string]any{"iss": "i", "aud": []string{"y", "a"}, "exp": 1700000001, "jti": "id", "fresh": 1700000009, "sub": "bob", "type": "access", "csrf": "c", "iat": 1, "nbf": 2, "sid": "s"}},
			`{"aud":["y","a"],"csrf":"c","exp":1700000001,"fresh":1700000009,"iat":1,"iss":"i","jti":"id","nbf":2,"sid":"s","sub":"bob","type":"access"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Create: tt.create})
			header, got := texts(t, must(g.CreateAccessToken(t.Context(), "alice", tt.options)))
			if header != `{"alg":"HS256","typ":"JWT"}` || got != tt.want {
				t.Errorf("header %s, claims\n%s, want\n%s", header, got, tt.want)
			}
		})
	}
}

func TestCreatedRefreshToken(t *testing.T) {
	g := newGate(t, gate.Config{Cookies: gate.Cookies{CSRF: gate.CSRF{Disabled: true}}})
	_, got := texts(t, must(g.CreateRefreshToken(t.Context(), "alice", gate.TokenOptions{Fresh: true, FreshFor: time.Hour})))
	if want := `{"fresh":false,"iat":1700000000,"jti":"<uuid>","type":"refresh","sub":"alice","nbf":1700000000,"sid":"<uuid>","exp":1702592000}`; got != want {
		t.Errorf("claims\n%s, want\n%s", got, want)
	}
}

func TestCreatedIDsDiffer(t *testing.T) {
	g := newGate(t, gate.Config{})
	seen := map[string]bool{}
	for range 1000 {
		tok := must(g.CheckToken(t.Context(), must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})), gate.Policy{}))
		for _, id := range []string{tok.ID, tok.CSRF(), tok.SessionID} {
			if seen[id] || !uuid.MatchString(id) || len(id) != 36 {
				t.Fatalf("ID %q is not a new UUID", id)
			}
			seen[id] = true
		}
	}
}

func TestFreshForFormat(t *testing.T) {
	for _, tt := range []struct {
		now  time.Duration
		for_ time.Duration
		want string
	}{
		{0, time.Minute, "1700000060.0"},
		{0, 1500 * time.Millisecond, "1700000001.5"},
		{123456789, time.Minute, "1700000060.123457"},
		{999999600, time.Minute, "1700000061.0"},
		{0, -time.Minute, "1699999940.0"},
	} {
		g := newGate(t, gate.Config{Clock: stoppedAt(tt.now)})
		_, got := texts(t, must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Fresh: true, FreshFor: tt.for_})))
		if !strings.HasPrefix(got, `{"fresh":`+tt.want+`,`) {
			t.Errorf("%v after %v: claims %s, want fresh %s", tt.for_, tt.now, got, tt.want)
		}
	}
}

func TestHeaderFields(t *testing.T) {
	named := hs256.WithID("k")
	for _, tt := range []struct {
		name string
		key  *keys.Key
		add  map[string]any
		want string // or "" for an error
	}{
		{"none", hs256, nil, `{"alg":"HS256","typ":"JWT"}`},
		{"none, key with an ID", named, nil, `{"alg":"HS256","kid":"k","typ":"JWT"}`},
		{"some", named, map[string]any{"x5t": "t", "a": 1}, `{"a":1,"alg":"HS256","kid":"k","typ":"JWT","x5t":"t"}`},
		{"typ", hs256, map[string]any{"typ": "at+jwt"}, `{"alg":"HS256","typ":"at+jwt"}`},
		{"no typ", hs256, map[string]any{"typ": ""}, `{"alg":"HS256"}`},
		{"typ nil", hs256, map[string]any{"typ": nil}, `{"alg":"HS256"}`},
		{"kid of a key without one", hs256, map[string]any{"kid": "x"}, `{"alg":"HS256","kid":"x","typ":"JWT"}`},
		{"what stands there anyway", named, map[string]any{"alg": "HS256", "kid": "k"}, `{"alg":"HS256","kid":"k","typ":"JWT"}`},

		{"other alg", hs256, map[string]any{"alg": "none"}, ""},
		{"alg of a wrong type", hs256, map[string]any{"alg": []string{"HS256"}}, ""},
		{"other kid", named, map[string]any{"kid": "x"}, ""},
		{"kid a number", hs256, map[string]any{"kid": 1}, ""},
		{"kid nil", hs256, map[string]any{"kid": nil}, ""},
		{"typ a number", hs256, map[string]any{"typ": 1}, ""},
		{"typ a list", hs256, map[string]any{"typ": []string{"JWT"}}, ""},
		{"crit", hs256, map[string]any{"crit": []string{"x"}}, ""},
		{"b64", hs256, map[string]any{"b64": true}, ""},
		{"zip", hs256, map[string]any{"zip": "DEF"}, ""},
		{"cty", hs256, map[string]any{"cty": "JWT"}, ""},
		{"no JSON", hs256, map[string]any{"a": func() {}}, ""},
		{"not UTF-8", hs256, map[string]any{"a": "\xff"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Keys: tt.key})
			raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Header: tt.add})
			if tt.want == "" {
				if err == nil || raw != "" || !strings.Contains(err.Error(), "header") {
					t.Errorf("token = %q, error = %v; want an error about the header", raw, err)
				}
				return
			}
			if got, _ := texts(t, raw); got != tt.want || err != nil {
				t.Errorf("header = %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestUnwritableClaims(t *testing.T) {
	for name, claims := range map[string]map[string]any{
		"function": {"a": func() {}}, "value not UTF-8": {"a": "\xff"}, "name not UTF-8": {"\xff": 1},
		"infinite": {"a": math.Inf(1)}, "error of a method": {"a": failing{}},
		"two": {"a": func() {}, "b": func() {}},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := newGate(t, gate.Config{}).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: claims})
			if err == nil || raw != "" {
				t.Errorf("token = %q, want an error", raw)
			}
		})
	}
	for _, cfg := range []gate.Create{{Issuer: "\xff"}, {Audience: []string{"\xff"}}, {Audience: []string{"\xff", "a"}}} {
		if _, err := newGate(t, gate.Config{Create: cfg}).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}); err == nil {
			t.Errorf("%+v is written", cfg)
		}
	}
}

// TestTimesAsClaims: a time.Time under the name of a NumericDate is one.
func TestTimesAsClaims(t *testing.T) {
	g := newGate(t, gate.Config{})
	exp := start.Add(time.Minute)
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{
		"exp": exp, "auth_time": exp, "born": time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC),
	}})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := g.CheckToken(t.Context(), raw, gate.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		AuthTime int64  `json:"auth_time"`
		Born     string `json:"born"`
	}
	if err := tok.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if !tok.Expiry.Equal(exp) || claims.AuthTime != exp.Unix() || claims.Born != "2000-01-02T00:00:00Z" {
		t.Errorf("exp %v, auth_time %v, born %q", tok.Expiry, claims.AuthTime, claims.Born)
	}
}

func TestNoExpiry(t *testing.T) {
	strict := newGate(t, gate.Config{})
	o := gate.TokenOptions{ExpiresIn: gate.NoExpiry}
	if raw, err := strict.CreateAccessToken(t.Context(), "alice", o); err == nil || !strings.Contains(err.Error(), "exp") {
		t.Errorf("token = %q, %v; want an error about exp", raw, err)
	}
	o.Claims = map[string]any{"exp": start.Unix() + 60}
	raw := must(strict.CreateAccessToken(t.Context(), "alice", o))
	if tok := must(strict.CheckToken(t.Context(), raw, gate.Policy{})); !tok.Expiry.Equal(start.Add(time.Minute)) {
		t.Errorf("exp = %v, want a minute ahead", tok.Expiry)
	}
	lenient := newGate(t, gate.Config{
		Create: gate.Create{AccessLifetime: gate.NoExpiry},
		Accept: gate.Accept{Lenient: gate.Lenient{NoExpiry: true}},
	})
	raw = must(lenient.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}))
	if tok := must(lenient.CheckToken(t.Context(), raw, gate.Policy{})); !tok.Expiry.IsZero() {
		t.Errorf("exp = %v, want none", tok.Expiry)
	}
}

func TestTooLargeToCreate(t *testing.T) {
	g := newGate(t, gate.Config{})
	for n, want := range map[int]bool{5500: true, 6500: false} {
		raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"a": strings.Repeat("x", n)}})
		if (err == nil) != want {
			t.Errorf("claim of %d bytes: %v", n, err)
			continue
		}
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); want && err != nil {
			t.Errorf("claim of %d bytes: created and refused: %v", n, err)
		}
	}
}

func TestTooLargeByOneByte(t *testing.T) {
	size := len(must(newGate(t, gate.Config{}).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})))
	for limit, want := range map[int]bool{size: true, size - 1: false} {
		g := newGate(t, gate.Config{Accept: gate.Accept{Limits: gate.Limits{TokenBytes: limit}}})
		if raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}); (err == nil) != want {
			t.Errorf("with a limit of %d bytes: %d bytes, %v", limit, len(raw), err)
		}
	}
}

func TestPrepare(t *testing.T) {
	shared := map[string]any{"role": "guest", "a": 1}
	var prepare func(*gate.Draft) error
	g := newGate(t, gate.Config{Prepare: func(_ context.Context, d *gate.Draft) error { return prepare(d) }})
	for _, tt := range []struct {
		name    string
		prepare func(*gate.Draft) error
		options gate.TokenOptions
		want    string // claims behind exp
	}{
		{"adds", func(d *gate.Draft) error { d.Claims["role"], d.Header["x"] = "admin", 1; return nil }, gate.TokenOptions{}, `,"role":"admin"`},
		{"the call wins", func(d *gate.Draft) error { d.Claims["role"] = "admin"; return nil },
			gate.TokenOptions{Claims: map[string]any{"role": "user"}}, `,"role":"user"`},
		{"a map of its own", func(d *gate.Draft) error { d.Claims = shared; return nil },
			gate.TokenOptions{Claims: map[string]any{"role": "user"}}, `,"a":1,"role":"user"`},
		{"a draft of its own", func(d *gate.Draft) error { *d = gate.Draft{Identity: d.Identity}; return nil }, gate.TokenOptions{}, ``},
		{"no maps", func(d *gate.Draft) error { d.Claims, d.Header = nil, nil; return nil },
			gate.TokenOptions{Claims: map[string]any{"b": 1}, Header: map[string]any{"x": 1}}, `,"b":1`},
		{"another type changes nothing", func(d *gate.Draft) error { d.Type = gate.Refresh; return nil }, gate.TokenOptions{}, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prepare = tt.prepare
			raw, tok, err := g.Issue(t.Context(), gate.Access, "alice", tt.options)
			if err != nil || tok == nil {
				t.Fatalf("token %v, %v", tok, err)
			}
			_, got := texts(t, raw)
			if !strings.HasSuffix(got, `,"exp":1700000900`+tt.want+"}") || !strings.Contains(got, `"type":"access"`) {
				t.Errorf("claims = %s, want %s behind exp", got, tt.want)
			}
		})
	}
	if fmt.Sprint(shared) != "map[a:1 role:guest]" {
		t.Errorf("a map of the hook's was changed: %v", shared)
	}
	prepare = func(d *gate.Draft) error { d.Identity = fmt.Sprint("user ", d.Identity); return nil }
	if _, got := texts(t, must(g.CreateRefreshToken(t.Context(), 1.5, gate.TokenOptions{}))); !strings.Contains(got, `"sub":"user 1.5"`) {
		t.Errorf("claims = %s, want the identity of the hook", got)
	}
	mine := errors.New("mine")
	prepare = func(*gate.Draft) error { return mine }
	if raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}); raw != "" || !errors.Is(err, mine) {
		t.Errorf("token = %q, %v; want the hook's error", raw, err)
	}
}

// What is written is JSON to every reader.
func TestCreatedIsJSON(t *testing.T) {
	g := newGate(t, gate.Config{Create: gate.Create{Issuer: "\x7f\"", Audience: []string{"<>&"}}})
	for _, identity := range []string{"\x00", "\x7f", "é", "\U0001f600", "</script>", `\u0041`} {
		_, p := texts(t, must(g.CreateAccessToken(t.Context(), identity, gate.TokenOptions{})))
		var got struct{ Sub string }
		if err := json.Unmarshal([]byte(p), &got); err != nil || got.Sub != identity {
			t.Errorf("sub of %s = %q, %v; want %q", p, got.Sub, err, identity)
		}
	}
}
