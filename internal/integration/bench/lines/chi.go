package lines

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/jwtauth/v5"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

func gateChi(secret []byte) (http.Handler, error) {
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
	r := chi.NewRouter()
	r.With(g.Require(gate.Policy{})).Get("/me", func(w http.ResponseWriter, r *http.Request) { // protect
		t, _ := gate.FromContext(r.Context()) // read
		fmt.Fprint(w, "Hello ", t.Subject)
	})
	return r, nil
}

func jwtauthChi(secret []byte) (http.Handler, error) {
	auth := jwtauth.New("HS256", secret, nil) // protect
	r := chi.NewRouter()
	r.With(jwtauth.Verifier(auth), authenticator).Get("/me", func(w http.ResponseWriter, r *http.Request) { // protect
		t, _, _ := jwtauth.FromContext(r.Context()) // read
		fmt.Fprint(w, "Hello ", t.Subject())
	})
	return r, nil
}

// authenticator replaces jwtauth.Authenticator, which answers with text.
func authenticator(next http.Handler) http.Handler { // error
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // error
		t, _, err := jwtauth.FromContext(r.Context()) // error
		if err != nil || t == nil {                   // error
			w.Header().Set("Content-Type", "application/json")                                          // error
			w.WriteHeader(http.StatusUnauthorized)                                                      // error
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "The token is not accepted here"}) // error
			return                                                                                      // error
		} // error
		next.ServeHTTP(w, r) // error
	}) // error
} // error
