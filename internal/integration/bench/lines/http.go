package lines

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	auth0 "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/validator"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

func gateHTTP(secret []byte) (http.Handler, error) {
	key, err := keys.HMAC(keys.HS256, secret) // protect
	if err != nil {                           // protect
		return nil, err // protect
	} // protect
	g, err := gate.New(gate.Config{ // protect
		Keys:    key,                      // protect
		OnError: gate.JSONErrors("error"), // error
	}) // protect
	if err != nil { // protect
		return nil, err // protect
	} // protect
	mux := http.NewServeMux()
	mux.Handle("GET /me", g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // protect
		t, _ := gate.FromContext(r.Context()) // read
		fmt.Fprint(w, "Hello ", t.Subject)
	})))
	return mux, nil
}

// The issuer and the audience that auth0's validator demands.
const issuer, audience = "https://issuer.example/", "api"

func auth0HTTP(secret []byte) (http.Handler, error) {
	v, err := validator.New( // protect
		validator.WithKeyFunc(func(context.Context) (any, error) { return secret, nil }), // protect
		validator.WithAlgorithm(validator.HS256),                                         // protect
		validator.WithIssuer(issuer),                                                     // protect
		validator.WithAudience(audience),                                                 // protect
	) // protect
	if err != nil { // protect
		return nil, err // protect
	} // protect
	m, err := auth0.New( // protect
		auth0.WithValidator(v), // protect
		auth0.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) { // error
			w.Header().Set("Content-Type", "application/json")                                          // error
			w.WriteHeader(http.StatusUnauthorized)                                                      // error
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "The token is not accepted here"}) // error
		}), // error
	) // protect
	if err != nil { // protect
		return nil, err // protect
	} // protect
	mux := http.NewServeMux()
	mux.Handle("GET /me", m.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // protect
		c, err := auth0.GetClaims[*validator.ValidatedClaims](r.Context()) // read
		if err != nil {                                                    // read
			http.Error(w, err.Error(), http.StatusInternalServerError) // read
			return                                                     // read
		} // read
		fmt.Fprint(w, "Hello ", c.RegisteredClaims.Subject)
	})))
	return mux, nil
}
