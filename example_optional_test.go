package gate_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// greet knows its visitor, if the visitor brought a token.
func greet(w http.ResponseWriter, r *http.Request) {
	if token, ok := gate.FromContext(r.Context()); ok {
		fmt.Fprintln(w, "hello,", token.Subject)
		return
	}
	fmt.Fprintln(w, "hello, stranger")
}

// An optional route takes requests without a token, and still refuses a bad one.
func ExamplePolicy_optional() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	route := g.Require(gate.Policy{Optional: true})(http.HandlerFunc(greet))

	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, header := range []string{"", "Bearer " + token, "Bearer " + token + "x"} {
		r := httptest.NewRequest("GET", "/hello", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 hello, stranger
	// 200 hello, alice
	// 401 {"msg":"The token's signature is wrong"}
}
