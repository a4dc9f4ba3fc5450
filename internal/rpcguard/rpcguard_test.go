package rpcguard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/rpcguard"
	"github.com/jwtgate/gate/keys"
)

// call is a gate.Request with one header.
type call struct {
	gate.Request
	authorization string
}

func (call) Method() string { return "POST" }
func (call) Host() string   { return "shop.example" }
func (c call) Header(name string) []string {
	if !strings.EqualFold(name, "Authorization") || c.authorization == "" {
		return nil
	}
	return []string{c.authorization}
}

// newGate returns a gate, its key and the events that it emits.
func newGate(t *testing.T, c gate.Config) (*gate.Gate, *keys.Key, *[]gate.Event) {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	events := &[]gate.Event{}
	c.Keys = key
	c.OnEvent = func(_ context.Context, e gate.Event) { *events = append(*events, e) }
	g, err := gate.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g, key, events
}

// TestPolicies: the policy of a method is that of its name, then of its service, then of
// the function.
func TestPolicies(t *testing.T) {
	g, key, events := newGate(t, gate.Config{})
	want := func(scope string) gate.Policy { return gate.Policy{Scopes: []string{scope}} }
	methods := map[string]gate.Policy{
		"/shop.Orders/Get":     want("name"),
		"/shop.Orders/*":       want("service"),
		"/a/path/shop.Carts/*": want("nested"),
	}
	d := rpcguard.New(g, rpcguard.Options{Methods: methods, PolicyOf: func(method string) (gate.Policy, bool) {
		return want("function"), strings.HasPrefix(method, "/shop.Users/")
	}})
	clear(methods) // the guard has its own
	for _, test := range []struct{ method, scope string }{
		{"/shop.Orders/Get", "name"},
		{"/shop.Orders/Delete", "service"},
		{"/shop.Orders/", "service"},
		{"/a/path/shop.Carts/Get", "nested"},
		{"/shop.Users/Get", "function"},
		{"/shop.orders/Get", ""},
		{"shop.Orders/Get", ""},
		{"/shop.Carts/Get", ""},
		{"/Get", ""},
		{"", ""},
	} {
		*events = nil
		bearer := call{authorization: "Bearer " + gatetest.Token(t, key, map[string]any{"scope": test.scope})}
		c, err := d.Check(t.Context(), test.method, bearer)
		if test.scope == "" {
			if !errors.Is(err, gate.ErrRejected) || c.Token != nil {
				t.Errorf("%s: %v, want a refusal", test.method, err)
			}
		} else if err != nil || c.Token == nil {
			t.Errorf("%s with the scope %s: %v", test.method, test.scope, err)
		}
		wanted := gate.TokenAccepted
		if test.scope == "" {
			wanted = gate.TokenRefused
		}
		if len(*events) != 1 || (*events)[0].Name != wanted || (*events)[0].Err != err {
			t.Errorf("%s: events %v, want %s", test.method, *events, wanted)
		}
		if test.scope == "" {
			continue
		}
		if _, err := d.Check(t.Context(), test.method, call{authorization: "Bearer " + gatetest.Token(t, key, map[string]any{"scope": "other"})}); !errors.Is(err, gate.ErrScope) {
			t.Errorf("%s with another scope: %v", test.method, err)
		}
	}
}

func TestNewPanics(t *testing.T) {
	g, _, _ := newGate(t, gate.Config{})
	for _, test := range []struct {
		name   string
		policy gate.Policy
		bad    bool
	}{
		{"/shop.Orders/Get", gate.Policy{}, false},
		{"/shop.Orders/*", gate.Policy{}, false},
		{"shop.Orders/Get", gate.Policy{}, true},
		{"/shop.Orders/", gate.Policy{}, true},
		{"//Get", gate.Policy{}, true},
		{"Get", gate.Policy{}, true},
		{"", gate.Policy{}, true},
		{"/shop.Orders/Get", gate.Policy{Type: "never made"}, true},
	} {
		func() {
			defer func() {
				if panicked := recover() != nil; panicked != test.bad {
					t.Errorf("%q: panicked %v, want %v", test.name, panicked, test.bad)
				}
			}()
			rpcguard.New(g, rpcguard.Options{Methods: map[string]gate.Policy{test.name: test.policy}})
		}()
	}
}

// TestDescribe: what a client may know has nothing of the cause.
func TestDescribe(t *testing.T) {
	g, _, events := newGate(t, gate.Config{})
	_, unlisted := rpcguard.New(g, rpcguard.Options{}).Check(t.Context(), "/secret/Method", call{})
	if text := fmt.Sprint((*events)[0].Err); !strings.Contains(text, `"/secret/Method"`) {
		t.Errorf("the event does not say which method: %s", text)
	}
	for _, test := range []struct {
		err    error
		code   uint32
		reason string
	}{
		{unlisted, 7, "METHOD_UNLISTED"},
		{&gate.Error{Kind: gate.ErrExpired, Reason: "expired", Err: errors.New("secret")}, 16, "EXPIRED"},
		{&gate.Error{Kind: gate.ErrScope, Reason: "scope"}, 7, "SCOPE"},
		{&gate.Error{Kind: gate.ErrMissing}, 16, "REJECTED"}, // of a LocationFunc
		{fmt.Errorf("secret: %w", gate.ErrRejected), 7, "REJECTED"},
		{fmt.Errorf("secret: %w", gate.ErrRevoked), 16, "REJECTED"},
		{errors.New("secret"), 14, "UNAVAILABLE"},
		{gate.Unavailable(errors.New("secret")), 14, "UNAVAILABLE"},
	} {
		r := rpcguard.Describe(test.err)
		if r.Code != test.code || r.Reason != test.reason || r.Message == "" || strings.Contains(r.Message, "secret") {
			t.Errorf("%v is described as %+v, want %d and %s", test.err, r, test.code, test.reason)
		}
	}
}
