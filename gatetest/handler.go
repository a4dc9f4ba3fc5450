package gatetest

import (
	"context"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Context returns a context with a token and a user, as a guard gives it to handlers,
// so that you can call a handler without a gate. [gate.FromContext] returns a token
// with these claims, and [gate.User] returns user. Other claims are as in [Token]. For
// a request without a token use gate.NewContext(ctx, nil).
//
// [gate.Gate.FromContext] finds only tokens of its gate: for a handler that calls it,
// pass a token that this gate has issued to [gate.NewContext].
func Context(tb testing.TB, claims map[string]any, user any) context.Context {
	tb.Helper()
	return gate.NewContext(tb.Context(), verified(tb, "", claims, user))
}

// VerifiedToken returns a token with these claims as a gate passes it to handlers,
// hooks and stores. Other claims are as in [Token]. issuer is the result of
// [gate.Token.VerifiedIssuer]: "" for the gate itself; for other issuers it is also
// "iss".
func VerifiedToken(tb testing.TB, issuer string, claims map[string]any) *gate.Token {
	tb.Helper()
	return verified(tb, issuer, claims, nil)
}

// verified has a gate read a token that it takes whatever its claims are, as long as
// there is an instant in which they are good.
func verified(tb testing.TB, issuer string, claims map[string]any, user any) *gate.Token {
	tb.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		tb.Fatalf("gatetest: %v", err)
	}
	c, policy := ClockAt(instant(claims)), gate.Policy{Type: gate.Access}
	lenient := gate.Lenient{NoExpiry: true, NoID: true, AnySubject: true, AnyFresh: true, AnyOrigin: true, AnyType: true}
	cfg := gate.Config{Clock: c.Now, Accept: gate.Accept{MaxLifetime: gate.NoExpiry, Skew: time.Hour, Lenient: lenient}}
	if user != nil {
		cfg.LoadUser = func(context.Context, *gate.Token) (any, error) { return user, nil }
	}
	if issuer == "" {
		cfg.Keys = key
		policy.Type = typeOf(claims, &cfg.Create)
	} else {
		all := map[string]any{"iss": issuer}
		for name, v := range claims {
			all[name] = v
		}
		claims, cfg.Issuers = all, []gate.Issuer{{Name: issuer, Keys: key, Lenient: lenient}}
	}
	g, err := gate.New(cfg)
	if err != nil {
		tb.Fatalf("gatetest: %v", err)
	}
	t, err := g.CheckToken(tb.Context(), c.Token(tb, key, claims), policy)
	if err != nil {
		tb.Fatalf("gatetest: no gate gives such a token to a handler: %v", err)
	}
	return t
}

// instant is when a token with these claims is good: when it is issued, or now.
func instant(claims map[string]any) time.Time {
	switch at := claims["iat"].(type) {
	case time.Time:
		return at
	case int:
		return time.Unix(int64(at), 0)
	case int64:
		return time.Unix(at, 0)
	}
	return time.Now()
}

// typeOf is the type that claims name, which c is taught where it is none of a gate's.
func typeOf(claims map[string]any, c *gate.Create) gate.TokenType {
	name := gate.Access
	switch v := claims["type"].(type) {
	case string:
		name = gate.TokenType(v)
	case gate.TokenType:
		name = v
	}
	if name != gate.Access && name != gate.Refresh {
		c.Types = []gate.TokenType{name}
	}
	return name
}
