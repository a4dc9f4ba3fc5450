// Package flask makes a gate with the options of Flask-JWT-Extended 4.7: the same names,
// defaults, statuses, bodies and messages. It is for an application that moves from Flask
// to Go without a change for its clients.
//
//	g, err := flask.New(map[string]any{"JWT_SECRET_KEY": secret, "JWT_TOKEN_LOCATION": []string{"headers", "cookies"}},
//		func(cfg *gate.Config) { cfg.Blocklist = revoked }) // the callbacks are fields of gate.Config
//
// [New] and [FromEnv] make the gate, since it behaves in ways that [gate.New] does not
// offer: of several cookies or query values of one name, the first is used; identities may
// have any JSON type; clocks must agree; and tokens have no session ID. [Options] has the
// two callbacks for keys and accepts short secrets. [Locations] is the argument of that
// name of jwt_required. [Errors] answers refused requests; [Message] and [Status] help to
// write another OnError. The getters (GetJWT and so on) replace the functions of the same
// purpose in handlers that you port. [View] answers the errors that such a handler returns,
// and [VerifyJWTInRequest] checks the token inside of it.
//
// Differences on purpose: the signature is checked before the payload is read; errors in
// the configuration appear when the gate is made, not at the first request; JSON with a
// name twice and registered claims of a wrong type are refused.
//
// As in Flask-JWT-Extended, every OPTIONS request passes the guard. Flask answers these
// requests itself. Go passes them to a handler whose pattern has no method, which would
// then serve everybody: write patterns with methods ("GET /me").
package flask
