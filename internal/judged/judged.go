// Package judged lets package session make tokens from a refresh token without another
// call of the blocklist. The store has already checked that token in the atomic step of
// the rotation.
package judged

// Mark marks a *gate.TokenOptions whose From was already checked against the blocklist.
// Package gate sets this variable, since this package cannot import package gate.
var Mark func(options any)
