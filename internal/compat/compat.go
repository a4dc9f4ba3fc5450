// Package compat makes gates with peculiarities that only package flask needs: what
// Flask-JWT-Extended does, and no new application should. It is the one way to them.
package compat

// Options are peculiarities of Flask-JWT-Extended. The zero value is a plain gate.
type Options struct {
	// AnyIdentity writes identities as JSON values, empty ones too, and accepts them.
	// Claims of the application may take the place of any of the gate's.
	AnyIdentity bool
	// EveryOPTIONS lets every OPTIONS request through, unguarded.
	EveryOPTIONS bool
	// OnePlace has AnyTokenType look only where access tokens are.
	OnePlace bool
	// FirstValue takes the first of several cookies with one name.
	FirstValue bool
	// SkipOrigin does not look at the origin of requests.
	SkipOrigin bool
	// OneScope sets and clears cookies in one scope alone.
	OneScope bool
	// NoCaching adds neither Vary nor Cache-Control to answers that a cookie has opened.
	NoCaching bool
	// NewRenewal gives a token that replaces another the lifetime of the configuration, a
	// CSRF value of its own, and no auth_time unless sessions end. It replaces tokens
	// without "sid", too.
	NewRenewal bool
	// Issuers are accepted values of "iss", in place of Accept.Issuer; nil: any.
	Issuers []string
}

// New makes a *gate.Gate of a gate.Config and o. Package gate sets it, which this
// package cannot import.
var New func(config any, o Options) (gate any, err error)
