package gategrpc

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate/internal/rpcguard"
)

// Domain is the domain of the google.rpc.ErrorInfo in the details of refused calls.
const Domain = "github.com/jwtgate/gate"

// refused is the error of a refused call: a status for the client, and the cause for outer
// interceptors.
type refused struct {
	*status.Status
	cause error
}

// Error implements error, for logs.
func (e *refused) Error() string { return e.cause.Error() }

// Unwrap returns the error of the gate.
func (e *refused) Unwrap() error { return e.cause }

// GRPCStatus returns the status for the client. Package status calls it.
func (e *refused) GRPCStatus() *status.Status { return e.Status }

// Error returns the error for the client of a call that a gate has refused with err, with
// the same code and details that a guard would answer. Use it for what a handler checks
// itself: the errors of gate.Gate.CheckToken and of session.Manager. A nil err is nil.
func Error(err error) error {
	if err == nil {
		return nil
	}
	r := rpcguard.Describe(err)
	s := status.New(codes.Code(r.Code), r.Message)
	if detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: r.Reason, Domain: Domain}); err == nil {
		s = detailed
	}
	return &refused{s, err}
}
