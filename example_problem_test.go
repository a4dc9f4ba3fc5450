package gate_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// problems is where the application documents its problem types.
const problems = "https://example.com/problems/"

// Refusals as problem details (RFC 9457).
func ExampleProblemErrors() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, OnError: gate.ProblemErrors(problems)})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	g.Require(gate.Policy{})(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Println(w.Header().Get("WWW-Authenticate"))
	fmt.Println(w.Body)
	// Output:
	// 401 application/problem+json
	// Bearer
	// {"type":"https://example.com/problems/missing","title":"Unauthorized","status":401,"detail":"The Authorization header is missing","code":"missing_header"}
}
