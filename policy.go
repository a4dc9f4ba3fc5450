package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/internal/scan"
)

// A TokenType tells one kind of token from another (the claim "type").
type TokenType string

const (
	// Access tokens open routes, for minutes.
	Access TokenType = "access"
	// Refresh tokens only get new access tokens, for days.
	Refresh TokenType = "refresh"
	// AnyTokenType is for the [Policy] of a route that takes access and refresh tokens
	// alike, as a logout does. It looks in all places for access tokens, then in those
	// for refresh tokens. No token is issued with it.
	AnyTokenType TokenType = "*"
)

// A Policy is what a route demands. The zero Policy demands a valid access token
// that is not revoked. A policy that no token can meet is refused: [Gate.Require]
// panics, like [http.ServeMux.Handle], and the checks return an error that is no
// [*Error].
type Policy struct {
	// Type is the type that the token must have: Access ("" as well), Refresh,
	// AnyTokenType, or one of [Create.Types], which is looked for where access tokens
	// are. Refresh tokens have cookies, a JSON member and CSRF names of their own.
	Type TokenType
	// Optional lets requests without a token pass. A bad token is refused all the same.
	Optional bool
	// Public lets everybody pass, for pages that only look different to who is logged in:
	// as Optional, and a token that is refused counts as none. An expired one stays in its
	// cookie, since another request may be renewing it; the cookies of a forged, malformed
	// or revoked one are cleared by [Gate.Require]. A store that cannot answer is a
	// failure here as well (503).
	Public bool
	// Fresh demands a token created from credentials ([TokenOptions.Fresh]).
	Fresh bool
	// Scopes are demanded, all of them ([ErrScope]). They are read from the claim "scope",
	// as text with spaces (RFC 8693 section 4.2) or as a list, or else from "scp".
	Scopes []string
	// Allow is called last, with the token and the user in ctx. An error refuses the
	// token ([ErrRejected]) and is kept in [Error.Err].
	Allow func(ctx context.Context, t *Token) error
	// SkipBlocklist lets revoked tokens in.
	SkipBlocklist bool
	// SkipCSRF makes none of the checks of [CSRF], for a route that other sites call on
	// purpose and that changes nothing a user would mind.
	SkipCSRF bool
	// Locations overrides Config.Locations for this route.
	Locations []Location
}

// demands is a Policy as a Token keeps it, small.
type demands struct {
	typ                                              TokenType
	optional, public, fresh, skipBlocklist, skipCSRF bool
}

func (p *Policy) demands() demands {
	return demands{p.Type, p.Optional, p.Public, p.Fresh, p.SkipBlocklist, p.SkipCSRF}
}

// want is the type of token that the policy looks for first.
func (p *Policy) want() TokenType {
	if p.Type == "" || p.Type == AnyTokenType {
		return Access
	}
	return p.Type
}

// checkPossible refuses a policy that no token can meet.
func (g *Gate) checkPossible(p *Policy) error {
	switch {
	case p.Type != AnyTokenType && !g.issues(p.want()):
		return fmt.Errorf("gate: Policy.Type %q is no type of this gate; list it in Create.Types", p.Type)
	case p.Fresh && p.Type == Refresh && !g.compat.AnyIdentity:
		return errors.New("gate: Policy wants a fresh refresh token; refresh tokens are never fresh")
	case slices.ContainsFunc(p.Scopes, badScope):
		return fmt.Errorf("gate: Policy.Scopes %q holds a scope that is empty or has a space; give each its own element", p.Scopes)
	}
	return nil
}

// checkPlaces refuses locations in which no token can be found.
func (g *Gate) checkPlaces(p *Policy) error {
	possible := false
	for _, l := range g.locations(p) {
		if l.find == nil {
			return errors.New("gate: Policy.Locations holds a zero Location; make one with FromHeader, FromCookies, FromQuery, FromJSON or LocationFunc")
		}
		possible = possible || l.takes(p.want()) || p.Type == AnyTokenType && l.takes(Refresh)
	}
	if !possible {
		return fmt.Errorf("gate: no location takes tokens of type %q; see FromCookies and FromJSON", p.want())
	}
	return nil
}

func badScope(s string) bool { return s == "" || strings.Contains(s, " ") }

// issues reports whether typ is a type of this gate's tokens.
func (g *Gate) issues(typ TokenType) bool {
	return typ == Access || typ == Refresh || slices.Contains(g.cfg.Create.Types, typ)
}

// checkPolicy is step 5: type, freshness, then scopes.
func (g *Gate) checkPolicy(t *Token, p *Policy, now time.Time) error {
	if err := g.checkType(t, p); err != nil {
		return err
	}
	if p.Fresh && !t.isFresh(now) {
		return &Error{Kind: ErrNotFresh, Reason: "not_fresh", maxAge: g.maxAge}
	}
	if len(p.Scopes) == 0 {
		return nil
	}
	have := t.scopes()
	if slices.ContainsFunc(p.Scopes, func(s string) bool { return !slices.Contains(have, s) }) {
		return refuseName(ErrScope, "scope", strings.Join(p.Scopes, " "))
	}
	return nil
}

func (g *Gate) checkType(t *Token, p *Policy) error {
	typ := t.Type
	if t.from.Lenient.AnyType && !g.issues(typ) {
		typ = Access
	}
	if !t.from.own && typ != Access { // only this gate's own refresh tokens and types open more
		typ = ""
	}
	want := p.want()
	switch {
	case typ == want, p.Type == AnyTokenType && typ == Refresh:
		return nil
	case want == Access:
		return refuse(ErrWrongType, "access_wanted")
	case want == Refresh:
		return refuse(ErrWrongType, "refresh_wanted")
	}
	return refuseName(ErrWrongType, "type_wanted", string(want))
}

// isFresh reports whether t is fresh at now. Leeway does not stretch freshness.
func (t *Token) isFresh(now time.Time) bool {
	return t.Fresh || !t.FreshUntil.IsZero() && !now.After(t.FreshUntil)
}

// scopes reads the claim "scope", or else "scp", on demand: most routes ask for none.
func (t *Token) scopes() []string {
	var scope, scp scan.Value
	payload := t.hides().payload
	r := scan.New(jws.Bytes(payload), len(payload), len(payload)) // was read within the limits
	open := r.Open('{')
	for first := open; open && r.More(first, '}'); first = false {
		switch name, v := r.Name(), r.Value(); name {
		case "scope":
			scope = v
		case "scp":
			scp = v
		}
	}
	if scope.Kind == 0 {
		scope = scp
	}
	return scopesOf(scope)
}

// scopesOf returns the words of a text or the strings of a list.
func scopesOf(v scan.Value) (list []string) {
	if v.Kind == '"' {
		return strings.Split(v.Str, " ")
	}
	if v.Kind != '[' {
		return nil
	}
	r := scan.New(jws.Bytes(v.Str), len(v.Str), len(v.Str))
	r.Open('[')
	for first := true; r.More(first, ']'); first = false {
		if e := r.Value(); e.Kind == '"' {
			list = append(list, e.Str)
		}
	}
	return list
}
