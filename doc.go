// Package gate authenticates the requests of Go web applications with JSON Web Tokens,
// on net/http. It has access and refresh tokens, freshness, scopes, revocation, cookies
// with CSRF protection, and answers that you can replace.
//
// # Quick start
//
// [New] makes a [Gate] from a [Config]. Only Keys is required (or Issuers, for a service
// that only accepts the tokens of others). The gate creates tokens at login and guards
// the routes that need one:
//
//	key, err := keys.HMAC(keys.HS256, secret) // 32 random bytes or more
//	g, err := gate.New(gate.Config{Keys: key})
//	raw, err := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{Fresh: true})
//
//	mux.Handle("GET /me", g.Require(gate.Policy{})(me))
//	mux.Handle("POST /password", g.Require(gate.Policy{Fresh: true})(changePassword))
//
// The handler reads the token with [FromContext], and the user that Config.LoadUser
// loaded with [User]. The examples are whole programs, one for each task; the README
// lists them.
//
// # What a request meets
//
// A [Policy] says what a route demands of a token. [Gate.Require] checks a request in
// these steps, in this order. The first step that refuses ends the check, and
// [Gate.WriteError] answers.
//
//  1. Location: find the token in one of [Config.Locations] ([FromHeader],
//     [FromCookies], [FromQuery], [FromPath], [FromJSON], [LocationFunc]). The next
//     location is tried only where the token is missing. Policy.Optional accepts a
//     missing token, never a bad one.
//  2. Signature: Config.Keys has the keys, each for one algorithm. No claim is read
//     before the signature is verified, with one exception: with other issuers
//     ([Issuer]), "iss" chooses whose keys to use.
//  3. Claims: nbf, iat, exp, iss, aud, sub, jti, as [Accept] says.
//  4. CSRF: for a token in a cookie and a method that may change something, the request
//     must come from a page of the same origin and repeat the token's CSRF value
//     ([CSRF]).
//  5. Policy: the type of the token, freshness, and scopes.
//  6. Blocklist: is the token revoked? If the [Blocklist] cannot answer, the request is
//     denied.
//  7. Config.Verify: a check by the application.
//  8. Config.LoadUser: loads the user.
//  9. Policy.Allow: a check by the route.
//
// Then the token is put into the context ([NewContext]) and the handler runs.
// [Gate.Check] does the same without writing an answer, [Gate.CheckRequest] for a request
// that is not net/http's, and [Gate.CheckToken] for a token without a request.
//
// # Where to look
//
// A refused request is an [*Error] of one of ten kinds: ask with errors.Is. docs/errors.md
// lists every reason, status and challenge. Package keys makes keys from secrets, PEM and
// JWK, and rotates them; keys/keyfile keeps them in a file, keys/jwks fetches the keys of
// an issuer from a URL, and oidc finds that URL. The packages in stores revoke tokens.
// Package session has routes for refresh and logout, lists a user's sessions, and makes
// one-time tokens. Package gatetest helps to test handlers. Package flask accepts the
// options of Flask-JWT-Extended and gives its answers; docs/flask-differences.md compares
// the two. docs/architecture.md explains the source.
//
// # What the zero value means
//
// The zero value of every option is the safe one: cookies are Secure, HttpOnly and
// SameSite=Lax, CSRF protection is on, tokens must expire. The names of dangerous options
// say so: Insecure, Disabled, Skip, Lenient, NoExpiry, Unverified.
package gate
