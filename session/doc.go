// Package session manages the logins of users on their devices. It lists the sessions of a
// user, rotates refresh tokens, and ends sessions at once.
//
// # Quick start
//
// A [Manager] needs a gate and the store that is the gate's blocklist:
//
//	store, err := gatesql.Open(ctx, db, gatesql.Options{Dialect: gatesql.SQLite})
//	go store.Run(ctx) // deletes expired records
//	g, err := gate.New(gate.Config{Keys: key, Blocklist: store})
//	m, err := session.New(g, store, session.Options{Delivery: session.Split})
//
//	pair, err := m.Start(ctx, "alice", session.Login{}) // the password was checked
//	m.Write(w, r, pair)
//
//	mux.Handle("/auth/", m.Handler("/auth/")) // refresh, logout, list of sessions
//
// Use [Split] for a single-page application, [Cookies] and [Manager.Renew] for pages
// without a script, and [JSON] for other clients.
//
// # What a session is
//
// A session is one login on one device. Its tokens share a session ID ("sid"). It has one
// live refresh token and one record in the store. The record has the ID of the live token,
// times, and a description of the device. It contains no token and no secret.
//
// # What a refresh does
//
// [Manager.Refresh] replaces the live refresh token with a new one, its successor. The
// store does this in one atomic step. The ID of the successor is derived from the old
// token, so every node makes the same successor, also when a request is repeated. No token
// has to be stored for that.
//
// For the time [Options].Grace after that step, a refresh with the old token returns the
// same successor. So two tabs can refresh at the same time, and a client whose answer was
// lost can try again. The end of this grace period is fixed when it begins. An old token
// that comes later counts as stolen, and the session ends on all nodes.
//
// The user stays logged in if the client has the new refresh token when the grace period
// ends, and sends no older token after that. If a thief and the user both refresh outside
// of grace periods, the first refresh by the other one ends the session. A thief who
// always refreshes within the user's grace periods keeps access until the absolute end of
// the session. Each of these refreshes is an event ([RefreshReplayed]).
//
// # Ending
//
// [Manager.End], [Manager.EndOthers], [Manager.EndAll] and [Manager.Logout] first revoke
// the session in the blocklist, so that its access tokens are refused at once. Then they
// remove the record.
//
// # One-time tokens
//
// [OneTime] makes tokens that can be used once: for password resets, confirmations of
// e-mail addresses, download links and WebSocket tickets.
package session
