// Package session keeps logins: one on each device, with a list of them, refresh tokens
// that rotate, and an end that takes effect at once.
//
// # Quick start
//
// A [Manager] needs a gate and the store that is the gate's blocklist:
//
//	store, err := gatesql.Open(ctx, db, gatesql.Options{Dialect: gatesql.SQLite})
//	go store.Run(ctx) // deletes what is past its time
//	g, err := gate.New(gate.Config{Keys: key, Blocklist: store})
//	m, err := session.New(g, store, session.Options{Delivery: session.Split})
//
//	pair, err := m.Start(ctx, "alice", session.Login{}) // the password was checked
//	m.Write(w, r, pair)
//
//	mux.Handle("/auth/", m.Handler("/auth/")) // refresh, logout, list of devices
//
// Single-page applications use [Split], pages without a script [Cookies] and
// [Manager.Renew], other clients [JSON].
//
// # What a session is
//
// A session is one login on one device. Its tokens share a session ID ("sid"). It has one
// live refresh token, and a record in the store with the ID of that token, times, and
// what the application says of the device. The record holds no token and no secret.
//
// # What a refresh does
//
// [Manager.Refresh] replaces the live refresh token by its successor, in one atomic step of
// the store. The ID of the successor follows from the token that it replaces, so every
// node and every repetition makes the same one, and nothing has to be kept for that.
//
// For [Options].Grace after that step the old token gets the same successor: two tabs that
// refresh at once, and a client whose answer was lost, go on. The end of the grace period
// is fixed when it begins. An old token after that counts as stolen, and the session ends
// on all nodes.
//
// What is promised: the user stays logged in if the client has the new refresh token when
// the grace period ends, and sends nothing older after that. If a thief and the user both
// refresh outside of grace periods, the first refresh by the other one ends the session.
// A thief who always refreshes inside of the user's grace periods stays until the
// absolute end; each of these refreshes is an event ([RefreshReplayed]).
//
// # Ending
//
// [Manager.End], [Manager.EndOthers], [Manager.EndAll] and [Manager.Logout] revoke in the
// blocklist first, so that access tokens are refused at once, and remove the record then.
//
// # Tokens that count once
//
// [OneTime] makes tokens for password resets, confirmations, download links and WebSocket
// tickets.
package session
