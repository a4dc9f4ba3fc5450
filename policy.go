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

// A TokenType is a kind of token (the claim "type").
type TokenType string

const (
	// Access tokens give access to routes, for minutes.
	Access TokenType = "access"
	// Refresh tokens get new access tokens and nothing else, for days.
	Refresh TokenType = "refresh"
	// AnyTokenType is for the [Policy] of a route that accepts access and refresh tokens,
	// such as a logout. It looks in all locations for an access token, then for a refresh
	// token. No token has this type.
	AnyTokenType TokenType = "*"
)

// A Policy says what a route demands of a token. The zero Policy demands a valid access
// token that is not revoked. For a policy that no token can meet, [Gate.Require] panics,
// like [http.ServeMux.Handle], and the other methods return an error that is no [*Error].
type Policy struct {
	// Type is the type that the token must have: Access (default), Refresh, AnyTokenType,
	// or one of [Create.Types]. Refresh tokens have their own cookies, JSON member and
	// CSRF names; all other types share those of access tokens.
	Type TokenType
	// Optional accepts requests without a token. A bad token is still refused.
	Optional bool
	// Public accepts all requests, for pages that everybody may see and that look different
	// to a user who is logged in. A token that is refused counts as none. If it came in a
	// cookie and is forged, malformed or revoked, [Gate.Require] clears the cookie; an
	// expired one is kept, since another request may be renewing it. When a store cannot
	// answer, the request still fails (503).
	Public bool
	// Fresh demands a token created from credentials ([TokenOptions.Fresh]). For tokens of
	// other issuers see [Issuer].IsGate and FreshFor.
	Fresh bool
	// Scopes lists scopes that the token must have, all of them ([ErrScope]). They are read
	// from the claim "scope", as text with spaces (RFC 8693 section 4.2) or as a list, or
	// else from "scp".
	Scopes []string
	// Allow is called last, with the token and the user in ctx. Its error rejects the token
	// ([ErrRejected]) and is kept in [Error.Err].
	Allow func(ctx context.Context, t *Token) error
	// SkipBlocklist also accepts revoked tokens.
	SkipBlocklist bool
	// SkipCSRF skips the checks of [CSRF]. Use it only for a route that other sites may
	// call and that does no harm.
	SkipCSRF bool
	// Locations replaces Config.Locations for this route.
	Locations []Location
}

// demands is the part of a Policy that a Token keeps.
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

// checkPossible returns an error for a policy that no token can meet.
func (g *Gate) checkPossible(p *Policy) error {
	switch {
	case p.Type != "" && p.Type != AnyTokenType && !g.issues(p.Type):
		return fmt.Errorf("gate: Policy.Type %q is no type of this gate; list it in Create.Types", p.Type)
	case p.Fresh && p.Type == Refresh && !g.compat.AnyIdentity:
		return errors.New("gate: Policy wants a fresh refresh token; refresh tokens are never fresh")
	case p.Fresh && g.cfg.Keys == nil && !slices.ContainsFunc(g.cfg.Issuers, func(i Issuer) bool { return !i.neverFresh() }):
		return errors.New("gate: Policy wants a fresh token, and no issuer has any; set Issuer.IsGate or Issuer.FreshFor")
	case slices.ContainsFunc(p.Scopes, badScope):
		return fmt.Errorf("gate: Policy.Scopes %q holds a scope that is empty or has a space; give each its own element", p.Scopes)
	}
	return nil
}

// checkPlaces returns an error where no location can have a token for p.
func (g *Gate) checkPlaces(p *Policy) error {
	if fault := locationFault(p.Locations); fault != "" {
		return errors.New("gate: Policy.Locations " + fault)
	}
	possible := false
	for _, l := range g.locations(p) {
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
		return t.from.refuseStale()
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
	if !t.from.own && typ != Access { // another issuer's token is an access token or nothing
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

// refuseStale returns the refusal of a token that is not fresh. Where the issuer has no
// fresh ones, the client must not try to log in again and again.
func (i *issuer) refuseStale() *Error {
	if !i.own && i.neverFresh() {
		return refuse(ErrRejected, "never_fresh")
	}
	return refuse(ErrNotFresh, "not_fresh").with(i.notFresh)
}

// isFresh reports whether t is fresh at now. Leeway does not stretch freshness.
func (t *Token) isFresh(now time.Time) bool {
	return t.Fresh || !t.FreshUntil.IsZero() && !now.After(t.FreshUntil)
}

// scopes reads the claim "scope", or else "scp". It is called only where a route has scopes.
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
