package gateconnect

import (
	"net/http"

	"connectrpc.com/connect"

	"github.com/jwtgate/gate"
)

// request implements gate.Request with the headers of a call.
type request struct {
	h    http.Header
	spec connect.Spec
}

var _ gate.Request = request{}

// Method implements gate.Request. It returns POST, or GET for a method without side
// effects, which needs no CSRF value.
func (r request) Method() string {
	if r.spec.IdempotencyLevel == connect.IdempotencyNoSideEffects {
		return http.MethodGet
	}
	return http.MethodPost
}

// Host implements gate.Request; package connect keeps the host in the header.
func (r request) Host() string { return r.h.Get("Host") }

// Header implements gate.Request.
func (r request) Header(name string) []string { return r.h.Values(name) }

// Cookies implements gate.Request.
func (r request) Cookies(name string) []string {
	cookies := http.Request{Header: http.Header{"Cookie": r.h["Cookie"]}}
	return gate.HTTPRequest(&cookies).Cookies(name)
}

// Query implements gate.Request: a query contains only the message.
func (request) Query(string) []string { return nil }

// PathValue implements gate.Request.
func (request) PathValue(string) string { return "" }

// Body implements gate.Request. A message is no JSON or form body.
func (request) Body(int) ([]byte, bool, error) { return nil, true, nil }
