// Package flask configures a gate with the options of Flask-JWT-Extended 4.7, under
// their own names and with their defaults, statuses, bodies and messages: for an
// application that moves from Flask and whose clients must not notice.
//
//	g, err := flask.New(map[string]any{"JWT_SECRET_KEY": secret, "JWT_TOKEN_LOCATION": []string{"headers", "cookies"}},
//		func(cfg *gate.Config) { cfg.Blocklist = revoked }) // the callbacks are fields of gate.Config
//
// [New] and [FromEnv] make the gate, since what it does differently is not to be had from
// [gate.New]: the first of several cookies or query values of one name counts, identities
// may be of any JSON type, clocks must agree, and tokens have no session of their own.
// [Options] has the two callbacks for keys, and the door for secrets that are too
// short. [Locations] is the guard's argument of that name, [Errors] what answers, and
// [Message] and [Status] serve an OnError of your own. The getters (GetJWT and so on)
// stand in for those of the original in handlers that are being ported.
//
// What differs on purpose: a signature is checked before anything of the payload is
// read, faults of the configuration appear at construction and not with the first
// request, JSON with a name twice is refused, and so are registered claims of a
// wrong type.
//
// As in the original every OPTIONS request passes the guard. Flask answers those itself,
// but Go hands them to a handler whose pattern names no method, and such a handler would
// serve everybody: name the methods ("GET /me").
package flask
