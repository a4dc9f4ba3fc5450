package flask

import (
	"net/http"

	"github.com/jwtgate/gate"
)

// View makes a handler of a function that returns an error, as a view of Flask raises one.
// An error of the gate, from [VerifyJWTInRequest], [DecodeToken] and others, is answered as
// a guard answers it. Any other error is not shown; it is answered with 503, like a store
// that fails. f has written nothing when it returns an error.
func View(g *gate.Gate, f func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			g.WriteError(w, r, err)
		}
	})
}

// VerifyJWTInRequest is verify_jwt_in_request: it checks r inside a handler that has no
// guard. It returns r with a context in which the getters ([GetJWT] and so on) find the
// token, or the error of [gate.Gate.Check].
func VerifyJWTInRequest(g *gate.Gate, r *http.Request, p gate.Policy) (*http.Request, error) {
	if g == nil {
		return nil, errNoManager
	}
	t, err := g.Check(r, p)
	if err != nil {
		return nil, err
	}
	return r.WithContext(gate.NewContext(r.Context(), t)), nil
}
