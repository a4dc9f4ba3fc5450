package gategrpc

import (
	"errors"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
)

// Domain is the domain of the google.rpc.ErrorInfo in the details of refused calls.
const Domain = "github.com/jwtgate/gate"

// unlisted is the error for methods without a policy.
var unlisted = refusal(codes.PermissionDenied, "This method is not open to clients",
	"METHOD_UNLISTED", errors.New("gategrpc: the method has no policy; add it to Options.Methods"))

// refused is the error of a refused call: a status for the client, and the cause for
// interceptors further out.
type refused struct {
	*status.Status
	cause error
}

// Error implements error, for logs.
func (e *refused) Error() string { return e.cause.Error() }

// Unwrap returns the error of the gate.
func (e *refused) Unwrap() error { return e.cause }

// GRPCStatus returns what the client is told; package status calls it.
func (e *refused) GRPCStatus() *status.Status { return e.Status }

// refuse returns the error of a call that the gate refused with err.
func refuse(err error) error {
	code := codes.Unavailable
	switch gate.StatusCode(err) {
	case http.StatusUnauthorized:
		code = codes.Unauthenticated
	case http.StatusForbidden:
		code = codes.PermissionDenied
	}
	var e *gate.Error
	switch {
	case code == codes.Unavailable:
		return refusal(code, "The service cannot check the token now; try again", "UNAVAILABLE", err)
	case errors.As(err, &e):
		return refusal(code, e.Message(), strings.ToUpper(e.Reason), err)
	}
	return refusal(code, "The token is not accepted here", "REJECTED", err)
}

func refusal(code codes.Code, message, reason string, cause error) error {
	s := status.New(code, message)
	if detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: Domain}); err == nil {
		s = detailed
	}
	return &refused{s, cause}
}
