// Package compat has options for a gate that only package flask may set. They imitate
// Flask-JWT-Extended. A new application should not use them.
package compat

// Options are behaviours of Flask-JWT-Extended. With the zero value a gate has none.
type Options struct {
	// AnyIdentity writes and accepts identities of every JSON type, and empty ones. Claims
	// of the application may replace the gate's own claims.
	AnyIdentity bool
	// EveryOPTIONS lets every OPTIONS request pass without a check.
	EveryOPTIONS bool
	// OnePlace makes AnyTokenType search only the locations of access tokens.
	OnePlace bool
	// FirstValue uses the first of several cookies with the same name.
	FirstValue bool
	// SkipOrigin skips the check of a request's origin.
	SkipOrigin bool
	// OneScope sets and clears cookies in one scope only.
	OneScope bool
	// NoCaching adds neither Vary nor Cache-Control to answers for requests with a cookie.
	NoCaching bool
	// NewRenewal gives a renewed token the lifetime from the configuration, a new CSRF
	// value, and no auth_time unless sessions end. It also renews tokens without "sid".
	NewRenewal bool
	// Issuers are the accepted values of "iss" instead of Accept.Issuer; nil accepts any.
	Issuers []string
	// Places has the names by which package flask finds a token in a request.
	Places any
}

// New makes a *gate.Gate from a gate.Config and o. Package gate sets this variable,
// because this package cannot import it.
var New func(config any, o Options) (gate any, err error)

// PeekHeader is gate.Peek for a token of at most max bytes, and then the header. Package
// gate sets this variable too.
var PeekHeader func(raw string, max int) (map[string]any, error)

// OptionsOf returns the options of a *gate.Gate. Package gate sets this variable too.
var OptionsOf func(gate any) Options
