package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
)

// listen collects what a gate tells.
func listen(events *[]gate.Event) func(context.Context, gate.Event) {
	return func(_ context.Context, e gate.Event) { *events = append(*events, e) }
}

func TestEvents(t *testing.T) {
	down := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, errDown })
	for _, tt := range []struct {
		name   string
		cfg    gate.Config
		policy gate.Policy
		r      *http.Request
		want   string // name, reason and token
	}{
		{"accepted", gate.Config{}, gate.Policy{}, bearer(token()), "token.accepted  id-1"},
		{"expired", gate.Config{}, gate.Policy{}, bearer(token("exp", at(0))), "token.refused expired id-1"},
		{"forged", gate.Config{}, gate.Policy{}, bearer(token() + "x"), "token.refused signature "},
		{"none", gate.Config{}, gate.Policy{}, request("GET", "/"), "token.refused missing_header "},
		{"none, and none is needed", gate.Config{}, gate.Policy{Optional: true}, request("GET", "/"), ""},
		{"store down", gate.Config{Blocklist: down}, gate.Policy{}, bearer(token()), "check.failed  "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events []gate.Event
			tt.cfg.OnEvent = listen(&events)
			g := newGate(t, tt.cfg)
			serve(g.Require(tt.policy), tt.r)
			if got := describe(events); got != tt.want {
				t.Errorf("events = %q, want %q", got, tt.want)
			}
		})
	}
	var events []gate.Event
	g := newGate(t, gate.Config{OnEvent: listen(&events)})
	g.CheckToken(t.Context(), token(), gate.Policy{})
	g.Emit(t.Context(), gate.Event{Name: "session.reused"})
	if got, want := describe(events), "token.accepted  id-1; session.reused  "; got != want {
		t.Errorf("events = %q, want %q", got, want)
	}
	newGate(t, gate.Config{}).Emit(t.Context(), gate.Event{Name: "to nobody"})
}

// Every token that was made is told, and none that was not handed out.
func TestCreatedEvents(t *testing.T) {
	var events []gate.Event
	list := &registry{}
	g := newGate(t, gate.Config{OnEvent: listen(&events), Blocklist: list})
	o := gate.TokenOptions{Claims: map[string]any{"jti": "new"}}
	must(g.CreateAccessToken(t.Context(), "alice", o))
	o.From = check(t, newGate(t, gate.Config{}), token())
	list.revoked = true
	if raw, err := g.CreateAccessToken(t.Context(), "alice", o); raw != "" || verdict(t, err) != "revoked" {
		t.Errorf("token %q, %v", raw, err)
	}
	if got, want := describe(events), "token.created  new"; got != want {
		t.Errorf("events = %q, want %q", got, want)
	}
}

func describe(events []gate.Event) string {
	var all []string
	for _, e := range events {
		reason, id := "", ""
		if refused := (*gate.Error)(nil); errors.As(e.Err, &refused) {
			reason = refused.Reason
		}
		if e.Token != nil {
			id = e.Token.ID
		}
		all = append(all, fmt.Sprintf("%s %s %s", e.Name, reason, id))
	}
	return strings.Join(all, "; ")
}

// events made for the log.
func logged(level slog.Level) (*bytes.Buffer, func(context.Context, gate.Event)) {
	var out bytes.Buffer
	h := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return &out, gate.SlogEvents(slog.New(h))
}

func TestSlogEvents(t *testing.T) {
	tok := &gate.Token{ID: "id-1", Subject: "alice", Type: gate.Access}
	found := must(newGate(t, gate.Config{}).Check(bearer(token()), gate.Policy{}))
	for _, tt := range []struct {
		name  string
		event gate.Event
		want  string
	}{
		{"accepted", gate.Event{Name: gate.TokenAccepted, Token: found}, `level=DEBUG msg=token.accepted token.type=access token.sub=alice token.jti=id-1 location=header`},
		{"created", gate.Event{Name: gate.TokenCreated, Token: tok}, `level=INFO msg=token.created token.type=access token.sub=alice token.jti=id-1`},
		{"missing", gate.Event{Name: gate.TokenRefused, Err: &gate.Error{Kind: gate.ErrMissing, Reason: "missing"}},
			`level=INFO msg=token.refused reason=missing error="gate: No token was sent"`},
		{"expired", gate.Event{Name: gate.TokenRefused, Token: tok, Err: &gate.Error{Kind: gate.ErrExpired, Reason: "expired", Location: "cookie"}},
			`level=INFO msg=token.refused token.type=access token.sub=alice token.jti=id-1 reason=expired location=cookie error="gate: The token has expired"`},
		{"forged", gate.Event{Name: gate.TokenRefused, Err: &gate.Error{Kind: gate.ErrInvalid, Reason: "signature", Location: "header"}},
			`level=WARN msg=token.refused reason=signature location=header error="gate: The token's signature is wrong"`},
		{"failed", gate.Event{Name: gate.CheckFailed, Err: errDown}, `level=ERROR msg=check.failed error="connection refused to canary-host"`},
		{"of a session", gate.Event{Name: "session.ended", Token: &gate.Token{Subject: "alice", SessionID: "S1"}}, `level=INFO msg=session.ended token.sub=alice token.sid=S1`},
		{"of a token of a session", gate.Event{Name: gate.TokenCreated, Token: &gate.Token{ID: "id-1", Subject: "alice", Type: gate.Access, SessionID: "S1"}},
			`level=INFO msg=token.created token.type=access token.sub=alice token.jti=id-1 token.sid=S1`},
		{"without a token", gate.Event{Name: "store.begun"}, `level=INFO msg=store.begun`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, log := logged(slog.LevelDebug)
			log(t.Context(), tt.event)
			if got := out.String(); got != tt.want+"\n" {
				t.Errorf("log = %s, want %s", got, tt.want)
			}
		})
	}
	out, log := logged(slog.LevelInfo)
	log(t.Context(), gate.Event{Name: gate.TokenAccepted, Token: found})
	if out.Len() > 0 {
		t.Errorf("log = %s, want nothing under its level", out)
	}
}

// An attacker does not fill the log, and does not hide other events.
func TestSlogEventsSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, log := logged(slog.LevelInfo)
		forged := gate.Event{Name: gate.TokenRefused, Err: &gate.Error{Kind: gate.ErrInvalid, Reason: "signature"}}
		for range 1000 {
			log(t.Context(), forged)
			log(t.Context(), gate.Event{Name: gate.TokenCreated})
		}
		log(t.Context(), gate.Event{Name: gate.TokenRefused, Err: &gate.Error{Kind: gate.ErrRevoked, Reason: "revoked"}})
		time.Sleep(time.Second)
		log(t.Context(), forged)
		log(t.Context(), forged)
		count := func(s string) int { return strings.Count(out.String(), s) }
		if got := count("reason=signature"); got != 12 {
			t.Errorf("%d forged tokens in the log, want ten and two in the next second", got)
		}
		if count("dropped=990") != 1 || count("dropped=") != 1 {
			t.Errorf("the log does not say once that 990 were left out:\n%s", out)
		}
		if count("token.created") != 1000 || count("reason=revoked") != 1 {
			t.Errorf("%d created and %d revoked tokens in the log, want 1000 and 1", count("token.created"), count("reason=revoked"))
		}
	})
}

// The sampler's memory is bounded, whatever reasons an application makes up.
func TestSlogEventsManyReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, log := logged(slog.LevelInfo)
		for i := range 1000 {
			log(t.Context(), gate.Event{Name: gate.TokenRefused, Err: &gate.Error{Kind: gate.ErrRejected, Reason: fmt.Sprint("mine-", i)}})
		}
		if got := strings.Count(out.String(), "\n"); got != 266 {
			t.Errorf("%d lines, want 256 reasons and ten of all others", got)
		}
	})
}

// readyPart is a store or key source that wraps another and is asked whether it is ready.
type readyPart struct {
	gate.Blocklist
	asked *gate.Needs
	err   error
}

func (p readyPart) Unwrap() gate.Blocklist { return p.Blocklist }

func (p readyPart) Ready(_ context.Context, n gate.Needs) error {
	*p.asked = n
	return p.err
}

func TestReady(t *testing.T) {
	free := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, nil })
	if err := newGate(t, gate.Config{}).Ready(t.Context()); err != nil {
		t.Errorf("Ready without a store = %v", err)
	}
	if err := newGate(t, gate.Config{Blocklist: free}).Ready(t.Context()); err != nil {
		t.Errorf("Ready with a store that cannot tell = %v", err)
	}
	var outer, inner gate.Needs
	noSchema, noMemory := errors.New("no schema"), errors.New("no memory")
	for _, tt := range []struct {
		name         string
		create       gate.Create
		outer, inner error
		want         gate.Needs
	}{
		{"ready", gate.Create{}, nil, nil, gate.Needs{Lifetime: 30 * 24 * time.Hour, Leeway: time.Second}},
		{"long access tokens", gate.Create{AccessLifetime: 2 * time.Hour, RefreshLifetime: time.Hour}, nil, nil, gate.Needs{Lifetime: 2 * time.Hour, Leeway: time.Second}},
		{"no end", gate.Create{RefreshLifetime: gate.NoExpiry}, nil, nil, gate.Needs{Lifetime: gate.NoExpiry, Leeway: time.Second}},
		{"both are not", gate.Create{}, noMemory, noSchema, gate.Needs{Lifetime: 30 * 24 * time.Hour, Leeway: time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := readyPart{readyPart{free, &inner, tt.inner}, &outer, tt.outer}
			g := newGate(t, gate.Config{Blocklist: list, Create: tt.create, Accept: gate.Accept{Leeway: time.Second, Lenient: gate.Lenient{NoExpiry: true}}})
			err := g.Ready(t.Context())
			if outer != tt.want || inner != tt.want {
				t.Errorf("needs = %v and %v, want %v", outer, inner, tt.want)
			}
			if (err == nil) != (tt.inner == nil) || tt.inner != nil && (!errors.Is(err, noSchema) || !errors.Is(err, noMemory)) {
				t.Errorf("Ready = %v, want %v and %v", err, tt.outer, tt.inner)
			}
		})
	}
}
