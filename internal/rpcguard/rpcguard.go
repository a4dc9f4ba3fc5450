// Package rpcguard has the common code of the adapters for remote procedure calls. It
// finds the policy of a method, makes the message for the client, and ends streams whose
// token is no longer accepted.
package rpcguard

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/jwtgate/gate"
)

// Methods has the policies of methods.
type Methods struct {
	byName map[string]gate.Policy
	of     func(string) (gate.Policy, bool)
}

// NewMethods panics when no token can meet a policy of byName, and when a name is not of
// the form "/service/method". of may be nil.
func NewMethods(g *gate.Gate, byName map[string]gate.Policy, of func(string) (gate.Policy, bool)) Methods {
	for name, p := range byName {
		service, method, ok := split(name)
		if !ok || service == "" || method == "" {
			panic(fmt.Sprintf("gate: %q in Options.Methods is not of the form /service/method", name))
		}
		g.Guard(p) // panics
	}
	return Methods{maps.Clone(byName), of}
}

// Policy returns the policy of a method; ok is false if it has none.
func (m Methods) Policy(name string) (p gate.Policy, ok bool) {
	if p, ok = m.byName[name]; ok {
		return p, true
	}
	if service, _, found := split(name); found {
		if p, ok = m.byName["/"+service+"/*"]; ok {
			return p, true
		}
	}
	if m.of == nil {
		return p, false
	}
	return m.of(name)
}

// split cuts "/service/method".
func split(name string) (service, method string, ok bool) {
	name, ok = strings.CutPrefix(name, "/")
	if i := strings.LastIndexByte(name, '/'); ok && i >= 0 {
		return name[:i], name[i+1:], true
	}
	return "", "", false
}

// ErrUnlisted is the error of a method that has no policy.
var ErrUnlisted = errors.New("gate: the method has no policy; add it to Options.Methods")

const notAccepted = "The token is not accepted here"

// Describe returns what a client may know about err: an HTTP status, a message, and the
// reason for a google.rpc.ErrorInfo.
func Describe(err error) (status int, message, reason string) {
	if errors.Is(err, ErrUnlisted) {
		return http.StatusForbidden, "This method is not open to clients", "METHOD_UNLISTED"
	}
	status = gate.StatusCode(err)
	var e *gate.Error
	switch {
	case status == http.StatusServiceUnavailable:
		return status, "The service cannot check the token now; try again", "UNAVAILABLE"
	case errors.As(err, &e):
		return status, cmp.Or(e.Message(), notAccepted), strings.ToUpper(cmp.Or(e.Reason, "rejected"))
	}
	return status, notAccepted, "REJECTED"
}
