package gate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// registry is a blocklist with generations that notes what it is asked.
type registry struct {
	generation int64
	revoked    bool
	err        error
	asked      []string
	policy     gate.Policy
}

func (l *registry) Blocked(_ context.Context, t *gate.Token) (bool, error) {
	return l.answer("blocked", t)
}

func (l *registry) Generation(_ context.Context, subject string) (int64, error) {
	l.asked = append(l.asked, "generation of "+subject)
	return l.generation, l.err
}

func (l *registry) answer(what string, t *gate.Token) (bool, error) {
	l.asked, l.policy = append(l.asked, what+" "+t.ID), t.Policy()
	return l.revoked, l.err
}

// direct is a registry behind a copy.
type direct struct{ *registry }

func (l direct) Blocked(context.Context, *gate.Token) (bool, error) { return false, nil }

func (l direct) BlockedDirect(_ context.Context, t *gate.Token) (bool, error) {
	return l.answer("direct", t)
}

// wrapper hides what the blocklist in it can do, but for Unwrap.
type wrapper struct{ gate.Blocklist }

func (w wrapper) Unwrap() gate.Blocklist { return w.Blocklist }

// check reads a token back.
func check(t *testing.T, g *gate.Gate, raw string) *gate.Token {
	t.Helper()
	tok, err := g.CheckToken(t.Context(), raw, gate.Policy{Type: gate.AnyTokenType, SkipBlocklist: true})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestReportsFrom: what a token made from another has of it, and what it has not.
func TestReportsFrom(t *testing.T) {
	c := newClock()
	g := newGate(t, gate.Config{Clock: c.now, Create: gate.Create{Audience: []string{"api", "reports"}}})
	raw, err := g.CreateRefreshToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{
		"role": "admin", "aud": "reports", "n": int64(9007199254740993), "text": "é\"",
	}})
	if err != nil {
		t.Fatal(err)
	}
	login := check(t, g, raw)
	c.add(10 * time.Minute)
	_, renewed, err := g.Issue(t.Context(), gate.Access, login.Identity(), gate.TokenOptions{From: login})
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{From: renewed, Fresh: true, SessionID: "s", Claims: map[string]any{"role": "user"}})
	if err != nil {
		t.Fatal(err)
	}
	var claims, last struct {
		Role     string    `json:"role"`
		N        int64     `json:"n"`
		Text     string    `json:"text"`
		AuthTime time.Time `json:"auth_time"`
	}
	if err := errors.Join(renewed.Claims(&claims), again.Claims(&last)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, before string
		got, want    any
	}{
		{"session", "the refreshed token had none and survived the logout", renewed.SessionID, login.SessionID},
		{"session of the call", "", again.SessionID, "s"},
		{"CSRF value", "open forms and other tabs were answered with 401", renewed.CSRF(), login.CSRF()},
		{"claims", "roles were gone after a quarter of an hour", claims.Role, "admin"},
		{"claims of the call win", "", last.Role, "user"},
		{"digits", "9007199254740993 became ...992", claims.N, int64(9007199254740993)},
		{"text", "", claims.Text, "é\""},
		{"login time", "a session without an end: each refresh was a new login", claims.AuthTime, start},
		{"login time of a chain", "as before", last.AuthTime, start},
		{"audience", "a token for one service became one for all", fmt.Sprint(renewed.Audience), "[reports]"},
		{"identifier", "one identifier for both: a logout ended neither or both", renewed.ID == login.ID, false},
		{"issued", "the time of the login, so that RevokeSubject reached it too soon or too late", renewed.IssuedAt, c.now()},
		{"expiry", "", renewed.Expiry, c.now().Add(15 * time.Minute)},
		{"type", "", renewed.Type, gate.Access},
		{"freshness", "a refreshed token passed for a login", renewed.Fresh, false},
		{"freshness of the call", "", again.Fresh, true},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v; before: %s", tt.name, tt.got, tt.want, tt.before)
		}
	}
}

// A token of one identity never becomes one of another.
func TestFromAnother(t *testing.T) {
	g := newGate(t, gate.Config{})
	numbers := newGate(t, gate.Config{Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}}})
	for _, tt := range []struct {
		name     string
		from     *gate.Token
		identity any
		ok       bool
	}{
		{"same", check(t, g, token()), "alice", true},
		{"same, as a number", check(t, numbers, token("sub", "42")), 42, true},
		{"number and text", check(t, g, token("sub", `"42"`)), 42, true},
		{"made by hand", &gate.Token{Subject: "alice", Expiry: start.Add(1)}, "alice", true},
		{"another", check(t, g, token()), "bob", false},
		{"nobody's", &gate.Token{}, "alice", false},
	} {
		raw, err := g.CreateAccessToken(t.Context(), tt.identity, gate.TokenOptions{From: tt.from})
		if (err == nil) != tt.ok || (raw != "") != tt.ok || !tt.ok && !strings.Contains(err.Error(), "another identity") {
			t.Errorf("%s: %q, %v", tt.name, raw, err)
		}
	}
	lists := compatGate(t, gate.Config{Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}}}, flaskLike)
	from := check(t, lists, token("sub", "[1]"))
	if _, err := lists.CreateAccessToken(t.Context(), from.Identity(), gate.TokenOptions{From: from}); err != nil {
		t.Errorf("package flask: %v", err)
	}
}

// Prepare learns that a token is made from another, and cannot pass it off.
func TestPrepareSeesFrom(t *testing.T) {
	var seen *gate.Token
	g := newGate(t, gate.Config{Prepare: func(_ context.Context, d *gate.Draft) error {
		seen = d.From
		d.From, d.Claims["role"] = nil, "guest"
		return nil
	}})
	from := check(t, g, token("role", `"admin"`, "team", `"red"`))
	_, tok, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{From: from})
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Role string `json:"role"`
		Team string `json:"team"`
	}
	if err := tok.Claims(&claims); err != nil || seen != from || claims.Role != "guest" || claims.Team != "red" || tok.CSRF() != from.CSRF() {
		t.Errorf("Prepare saw %v, claims %+v, %v", seen, claims, err)
	}
}

// The order is: Prepare and generation, signature, and only then the question about the
// token that the new one comes from.
func TestAskedAgain(t *testing.T) {
	down := errors.New("down")
	for _, tt := range []struct {
		name   string
		list   func(*registry) gate.Blocklist
		change func(*registry, *clock)
		asked  string
		want   string
	}{
		{"good", func(r *registry) gate.Blocklist { return r }, nil, "blocked id-1", "ok"},
		{"good, by the store itself", func(r *registry) gate.Blocklist { return direct{r} }, nil, "direct id-1", "ok"},
		{"good, wrapped twice", func(r *registry) gate.Blocklist { return wrapper{wrapper{direct{r}}} }, nil, "direct id-1", "ok"},
		{"no blocklist", func(*registry) gate.Blocklist { return nil }, nil, "", "ok"},
		{"revoked", func(r *registry) gate.Blocklist { return r }, func(r *registry, _ *clock) { r.revoked = true }, "blocked id-1", "revoked"},
		{"revoked, says the store, while the copy says no", func(r *registry) gate.Blocklist { return direct{r} },
			func(r *registry, _ *clock) { r.revoked = true }, "direct id-1", "revoked"},
		{"nobody knows", func(r *registry) gate.Blocklist { return r }, func(r *registry, _ *clock) { r.err = down }, "blocked id-1", "failure"},
		{"expired by then", func(r *registry) gate.Blocklist { return r }, func(_ *registry, c *clock) { c.add(15 * time.Minute) }, "blocked id-1", "expired"},
		{"expired, no blocklist", func(*registry) gate.Blocklist { return nil }, func(_ *registry, c *clock) { c.add(15 * time.Minute) }, "", "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, c := &registry{}, newClock()
			cfg := gate.Config{Clock: c.now, Blocklist: tt.list(r)}
			g := newGate(t, cfg)
			from := check(t, g, token())
			if tt.change != nil {
				tt.change(r, c)
			}
			raw, tok, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{From: from})
			checkVerdict(t, err, tt.want)
			if (raw != "") != (tt.want == "ok") || (tok != nil) != (tt.want == "ok") {
				t.Errorf("token %q, %v", raw, tok)
			}
			if got := strings.Join(r.asked, ", "); got != tt.asked {
				t.Errorf("asked %q, want %q", got, tt.asked)
			}
			if tt.asked != "" && r.policy.Type != gate.Refresh {
				t.Errorf("asked for a route of policy %+v; a store that lets access tokens in when it is down would do so", r.policy)
			}
		})
	}
}

// Which generation a token has, and who was asked.
func TestGenerations(t *testing.T) {
	old := func(gen string) *gate.Token {
		return check(t, newGate(t, gate.Config{}), token("gen", gen))
	}
	for _, tt := range []struct {
		name   string
		create gate.Create
		list   gate.Blocklist
		from   *gate.Token
		before bool // read before the password was checked
		want   string
		asked  string
	}{
		{"login", gate.Create{}, &registry{generation: 7}, nil, false, "7 true", "generation of alice"},
		{"login of somebody who was never revoked", gate.Create{}, &registry{}, nil, false, "0 true", "generation of alice"},
		{"login with a large generation", gate.Create{}, &registry{generation: 1<<60 + 1}, nil, false, "1152921504606846977 true", "generation of alice"},
		{"read before the password", gate.Create{}, &registry{generation: 7}, nil, true, "7 true", "generation of alice"},
		{"wrapped", gate.Create{}, wrapper{&registry{generation: 7}}, nil, false, "7 true", "generation of alice"},
		{"from a token", gate.Create{}, &registry{generation: 7}, old("3"), false, "3 true", "blocked id-1"},
		{"from a token, whatever was read", gate.Create{}, &registry{generation: 7}, old("3"), true, "3 true", "generation of alice, blocked id-1"},
		{"from a token without", gate.Create{}, &registry{generation: 7}, old(""), true, "0 false", "generation of alice, blocked id-1"},
		{"during the upgrade", gate.Create{OmitGeneration: true}, &registry{generation: 7}, nil, true, "0 false", ""},
		{"during the upgrade, from a token", gate.Create{OmitGeneration: true}, &registry{generation: 7}, old("3"), false, "0 false", "blocked id-1"},
		{"a blocklist without", gate.Create{}, gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, nil }), nil, true, "0 false", ""},
		{"no blocklist", gate.Create{}, nil, nil, true, "0 false", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Create: tt.create, Blocklist: tt.list})
			o := gate.TokenOptions{From: tt.from}
			if tt.before {
				o.Generation = must(g.Generation(t.Context(), "alice"))
			}
			_, tok, err := g.Issue(t.Context(), gate.Access, "alice", o)
			if err != nil {
				t.Fatal(err)
			}
			gen, ok := tok.Generation()
			if got := fmt.Sprint(gen, ok); got != tt.want {
				t.Errorf("generation %s, want %s", got, tt.want)
			}
			list := tt.list
			if w, ok := list.(wrapper); ok {
				list = w.Blocklist
			}
			if r, ok := list.(*registry); ok && strings.Join(r.asked, ", ") != tt.asked {
				t.Errorf("asked %q, want %q", r.asked, tt.asked)
			}
		})
	}
}

// A login for which the generation cannot be told is no login.
func TestGenerationFails(t *testing.T) {
	down := errors.New("down")
	for name, r := range map[string]*registry{"store down": {err: down}, "negative": {generation: -1}} {
		g := newGate(t, gate.Config{Blocklist: r})
		raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
		if raw != "" || verdict(t, err) != "failure" || r.err != nil && !errors.Is(err, down) {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
	g := newGate(t, gate.Config{Blocklist: &registry{}})
	mine := must(g.Generation(t.Context(), "alice@example.com"))
	if raw, err := g.CreateAccessToken(t.Context(), 42, gate.TokenOptions{Generation: mine}); raw != "" || err == nil || !strings.Contains(err.Error(), "another subject") {
		t.Errorf("%q, %v; the generation was read for another name of the account", raw, err)
	}
}

// An application's own claim of that name would pass for a generation.
func TestGenerationAsClaim(t *testing.T) {
	o := gate.TokenOptions{Claims: map[string]any{"gen": 5}}
	g := newGate(t, gate.Config{Blocklist: &registry{}})
	if raw, err := g.CreateAccessToken(t.Context(), "alice", o); raw != "" || err == nil || !strings.Contains(err.Error(), `"gen"`) {
		t.Errorf("%q, %v; want an error about gen", raw, err)
	}
	must(newGate(t, gate.Config{}).CreateAccessToken(t.Context(), "alice", o))
}

// The subject whose generation is read is the one that is written.
func TestGenerationOfWhatIsWritten(t *testing.T) {
	r := &registry{}
	g := newGate(t, gate.Config{Blocklist: r, Create: gate.Create{IdentityClaim: "uid"}, Prepare: func(_ context.Context, d *gate.Draft) error {
		d.Identity = fmt.Sprint("user ", d.Identity)
		return nil
	}})
	must(g.CreateAccessToken(t.Context(), 7, gate.TokenOptions{}))
	must(g.CreateAccessToken(t.Context(), 7, gate.TokenOptions{Claims: map[string]any{"uid": "eight"}}))
	if want := []string{"generation of user 7", "generation of eight"}; !slices.Equal(r.asked, want) {
		t.Errorf("asked %q, want %q", r.asked, want)
	}
}

// A "gen" that is none puts a token under the rule for tokens without.
func TestMalformedGeneration(t *testing.T) {
	g := newGate(t, gate.Config{})
	for gen, want := range map[string]string{
		`5`: "5 true", `0`: "0 true", `999999999999999999`: "999999999999999999 true", `9223372036854775807`: "9223372036854775807 true",
		`9223372036854775808`: "0 false", `-1`: "0 false", `1.5`: "0 false", `1e3`: "0 false", `"5"`: "0 false", `null`: "0 false", `[5]`: "0 false",
		``: "0 false",
	} {
		n, ok := check(t, g, token("gen", gen)).Generation()
		if got := fmt.Sprint(n, ok); got != want {
			t.Errorf("gen %s: %s, want %s", gen, got, want)
		}
	}
}
