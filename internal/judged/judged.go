// Package judged lets package session make tokens from a refresh token that its store
// has judged in the atomic step of the rotation, without asking the blocklist once more.
package judged

// Mark marks a *gate.TokenOptions whose From the caller has judged. Package gate sets
// it, which this package cannot import.
var Mark func(options any)
