// Package gate is JWT authentication for Go web applications: access and refresh
// tokens, freshness, revocation, cookies with CSRF protection, and every answer
// yours to change, on net/http.
//
// # Quick start
//
// A [Gate] is made once from a [Config], of which only Keys is required (or, to accept
// the tokens of others alone, Issuers). It creates tokens where somebody logs in, and
// guards the routes that want one:
//
//	key, err := keys.HMAC(keys.HS256, secret) // 32 random bytes or more
//	g, err := gate.New(gate.Config{Keys: key})
//	raw, err := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{Fresh: true})
//
//	mux.Handle("GET /me", g.Require(gate.Policy{})(me))
//	mux.Handle("POST /password", g.Require(gate.Policy{Fresh: true})(changePassword))
//
// A handler behind it reads the token with [FromContext], and what Config.LoadUser
// has loaded with [User]. The examples below are whole programs, one for each
// feature.
//
// # What a request meets
//
// A [Policy] is what a route demands. [Gate.Require] checks a request in these steps,
// in this order; the first that refuses ends it, and [Gate.WriteError] answers.
//
//  1. Location: the first of [Config.Locations] that has a token ([FromHeader],
//     [FromCookies], [FromQuery], [FromJSON], [LocationFunc]). Only a missing token
//     goes on to the next; only a missing token is forgiven by Policy.Optional.
//  2. Key and signature: Config.Keys names the keys, each bound to one algorithm.
//     Nothing of the claims is read before the signature holds, except that "iss"
//     chooses whose keys are asked where there are other issuers ([Issuer]).
//  3. Claims: nbf, iat, exp, iss, aud, sub, jti, by [Accept].
//  4. CSRF: a token in a cookie, and a method that may change something, want a
//     page of the same origin and the double submit value ([CSRF]).
//  5. Policy: the type of the token, freshness, and scopes.
//  6. Blocklist: is it revoked? A [Blocklist] that cannot answer denies.
//  7. Config.Verify: the application's own check.
//  8. Config.LoadUser: the application's own user.
//  9. Policy.Allow: the route's own check.
//
// Then the token is in the context ([NewContext]), and the handler runs. A request
// of another transport goes the same way by [Gate.CheckRequest], a bare token by
// [Gate.CheckToken], and [Gate.Check] judges without writing an answer.
//
// # Where to look
//
// Refusals are an [*Error] of one of ten kinds, to be asked for with errors.Is;
// docs/errors.md lists every reason, status and challenge. Package keys makes keys
// of secrets, PEM and JWK, and rotates them. Package flask has the options, answers
// and messages of Flask-JWT-Extended, and docs/from-flask.md maps the one to the
// other. docs/architecture.md is the map of the source.
//
// # What the zero value means
//
// The zero value of every option is the safe one: cookies are Secure, HttpOnly and
// SameSite=Lax, CSRF protection is on, tokens must expire. What is dangerous has a
// name that says so: Insecure, Disabled, Skip, Lenient, NoExpiry, Unverified.
package gate
