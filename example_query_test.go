package gate_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// download is a route for links in mails.
func download(w http.ResponseWriter, r *http.Request) {
	token, _ := gate.FromContext(r.Context())
	fmt.Fprintf(w, "the report of %s, asked for by %s\n", token.Subject, token.Location())
}

// A link carries its token in the query string. Only this route looks there, and the
// token lives for minutes.
func ExampleFromQuery() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	fromLink := gate.Policy{Locations: []gate.Location{gate.FromQuery("jwt", "")}}
	mux := http.NewServeMux()
	mux.Handle("GET /report", g.Require(fromLink)(http.HandlerFunc(download)))
	mux.Handle("GET /account", g.Require(gate.Policy{})(http.HandlerFunc(download)))

	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{ExpiresIn: 5 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"/report", "/account"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path+"?jwt="+url.QueryEscape(token), nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 the report of alice, asked for by query
	// 401 {"msg":"The Authorization header is missing"}
}
