package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// answer is the application's own way to refuse. What it does not treat goes the
// default way.
func answer(w http.ResponseWriter, r *http.Request, err error) {
	var detail *gate.Error
	switch {
	case errors.Is(err, gate.ErrMissing):
		w.Header().Set("Location", "/login")
		w.WriteHeader(http.StatusSeeOther)
	case errors.Is(err, gate.ErrExpired) && errors.As(err, &detail):
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "I can't let you do that, %s\n", detail.Token.Subject)
	default:
		gate.JSONErrors("error")(w, r, err)
	}
}

// OnError answers every refused request. errors.Is tells the kinds apart; *gate.Error
// has the detail, and the token once its signature has held.
func ExampleConfig_onError() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	g, err := gate.New(gate.Config{Keys: key, OnError: answer, Clock: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	route := g.Require(gate.Policy{})(http.NotFoundHandler())

	token, err := g.CreateAccessToken(context.Background(), "dave", gate.TokenOptions{ExpiresIn: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	now = now.Add(time.Hour)
	for _, header := range []string{"", "Bearer " + token, "Bearer nonsense"} {
		r := httptest.NewRequest("GET", "/bay-doors", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Header().Get("Location")+" "+w.Body.String()))
	}
	// Output:
	// 303 /login
	// 418 I can't let you do that, dave
	// 401 {"error":"The token has fewer than three segments"}
}
