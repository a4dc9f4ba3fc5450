// Package gate is JWT authentication for Go web applications: access and refresh
// tokens, freshness, revocation, cookies with CSRF protection, and every answer
// yours to change, on net/http.
package gate
