// Package rpcguard has the common code of the adapters for remote procedure calls. It
// finds the policy of a method, checks calls, makes the message for the client, and ends
// streams whose token is no longer accepted.
package rpcguard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/jwtgate/gate"
)

// Options are the options of [New]: those of an adapter, which documents them.
type Options struct {
	Methods      map[string]gate.Policy
	PolicyOf     func(method string) (p gate.Policy, ok bool)
	RecheckEvery time.Duration
}

// A Guard checks calls. It is safe for concurrent use.
type Guard struct {
	g *gate.Gate
	o Options
}

// New panics when no token can meet a policy of o.Methods, and when a name there is not of
// the form "/service/method".
func New(g *gate.Gate, o Options) *Guard {
	for name, p := range o.Methods {
		service, method, ok := split(name)
		if !ok || service == "" || method == "" {
			panic(fmt.Sprintf("gate: %q in Options.Methods is not of the form /service/method", name))
		}
		g.Guard(p) // panics
	}
	o.Methods = maps.Clone(o.Methods)
	return &Guard{g, o}
}

// A Call is a call that was let through.
type Call struct {
	Token   *gate.Token // nil if the policy accepts calls without one and there is none
	policy  gate.Policy
	request gate.Request
}

// Check checks a call of a method.
func (d *Guard) Check(ctx context.Context, method string, r gate.Request) (Call, error) {
	p, ok := d.policy(method)
	if !ok {
		err := unlisted(method)
		d.g.Emit(ctx, gate.Event{Name: gate.TokenRefused, Err: err})
		return Call{}, err
	}
	t, err := d.g.CheckRequest(ctx, r, p)
	return Call{t, p, r}, err
}

// policy returns the policy of a method; ok is false if it has none.
func (d *Guard) policy(method string) (p gate.Policy, ok bool) {
	if p, ok = d.o.Methods[method]; ok {
		return p, true
	}
	if service, _, found := split(method); found {
		if p, ok = d.o.Methods["/"+service+"/*"]; ok {
			return p, true
		}
	}
	if d.o.PolicyOf == nil {
		return p, false
	}
	return d.o.PolicyOf(method)
}

// split cuts "/service/method".
func split(name string) (service, method string, ok bool) {
	name, ok = strings.CutPrefix(name, "/")
	if i := strings.LastIndexByte(name, '/'); ok && i >= 0 {
		return name[:i], name[i+1:], true
	}
	return "", "", false
}

const reasonUnlisted = "method_unlisted"

// unlisted returns the error of a method without a policy.
func unlisted(method string) *gate.Error {
	return &gate.Error{
		Kind: gate.ErrRejected, Reason: reasonUnlisted,
		Err: fmt.Errorf("the method %q has no policy; add it to Options.Methods", method),
	}
}

// A Refusal is what a client may know about the error of a check.
type Refusal struct {
	Code    uint32 // gRPC and Connect use the same numbers
	Message string
	Reason  string // for a google.rpc.ErrorInfo
}

// The codes of refused calls.
const (
	permissionDenied = 7
	unavailable      = 14
	unauthenticated  = 16
)

// Describe returns what a client may know about err.
func Describe(err error) Refusal {
	r := Refusal{permissionDenied, "The token is not accepted here", "REJECTED"}
	switch gate.StatusCode(err) {
	case http.StatusServiceUnavailable:
		return Refusal{unavailable, "The service cannot check the token now; try again", "UNAVAILABLE"}
	case http.StatusUnauthorized:
		r.Code = unauthenticated
	}
	if e := (*gate.Error)(nil); errors.As(err, &e) {
		r.Message = cmp.Or(e.Message(), r.Message)
		r.Reason = cmp.Or(strings.ToUpper(e.Reason), r.Reason)
		if e.Reason == reasonUnlisted {
			r.Message = "This method is not open to clients"
		}
	}
	return r
}
