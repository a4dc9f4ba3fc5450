package gate

import "time"

// A TokenType tells access tokens from refresh tokens (the claim "type").
type TokenType string

const (
	// Access tokens open routes, for minutes.
	Access TokenType = "access"
	// Refresh tokens only get new access tokens, for days.
	Refresh TokenType = "refresh"
)

// A Policy is what a route demands. The zero Policy demands a valid access token
// that is not revoked.
type Policy struct {
	// Optional lets requests without a token pass. A bad token is refused all the same.
	Optional bool
	// Fresh demands a token minted from credentials ([TokenOptions.Fresh]).
	Fresh bool
	// Refresh demands a refresh token, and picks the cookie, the JSON member and the
	// CSRF names of refresh tokens.
	Refresh bool
	// AnyType takes access and refresh tokens alike, as a logout route does. Refresh
	// still picks where to look.
	AnyType bool
	// SkipBlocklist lets revoked tokens in.
	SkipBlocklist bool
	// Locations overrides Config.Locations for this route.
	Locations []Location
}

// demands is a Policy as a Token keeps it, small.
type demands struct{ optional, fresh, refresh, anyType, skipBlocklist bool }

// want is the type of token that the policy looks for.
func (p Policy) want() TokenType {
	if p.Refresh {
		return Refresh
	}
	return Access
}

// checkPolicy is room 5: type, then freshness.
func (g *Gate) checkPolicy(t *Token, p Policy) error {
	refresh := t.Type == Refresh
	access := t.Type == Access || !refresh && g.cfg.Accept.Lenient.AnyType
	switch {
	case p.AnyType && (access || refresh):
	case p.Refresh && !refresh:
		return refuse(ErrWrongType, "refresh_wanted")
	case !p.Refresh && !access:
		return refuse(ErrWrongType, "access_wanted")
	}
	if p.Fresh && !t.isFresh(g.cfg.Clock()) {
		return &Error{Kind: ErrNotFresh, Reason: "not_fresh", maxAge: g.maxAge}
	}
	return nil
}

// isFresh reports whether t is fresh at now. Leeway does not stretch freshness.
func (t *Token) isFresh(now time.Time) bool {
	return t.Fresh || !t.FreshUntil.IsZero() && !now.After(t.FreshUntil)
}
