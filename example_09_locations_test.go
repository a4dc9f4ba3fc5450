package gate_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Tokens in other headers, in links and in JSON bodies.
func Example_locations() {
	tokenInHeader()
	tokenInLink()
	tokenInJSON()
	// Output:
	// alice
	// alice
	// alice
	// gate: The Authorization header is malformed; send Bearer, one space and one token
	// 200 the report of alice, asked for by query
	// 401 {"msg":"The Authorization header is missing"}
	// 200 alice true
	// 401 {"msg":"The JSON body has no member access_token"}
}

// newHeaderGate takes tokens in a header of its own, without a scheme, beside the
// usual one.
func newHeaderGate() (*gate.Gate, error) {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		return nil, err
	}
	return gate.New(gate.Config{
		Keys: key,
		Locations: []gate.Location{
			gate.FromHeader("Authorization", "Bearer"),
			gate.FromHeader("X-Session-Token", ""),
		},
	})
}

// Locations are tried in order; only a missing token goes on to the next.
func tokenInHeader() {
	g, err := newHeaderGate()
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range []http.Header{
		{"Authorization": {"Bearer " + token}},
		{"X-Session-Token": {token}},
		{"Authorization": {"Basic YTpi"}, "X-Session-Token": {token}}, // another scheme is no token
		{"Authorization": {"Bearer one two"}, "X-Session-Token": {token}},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = h
		if t, err := g.Check(r, gate.Policy{}); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(t.Subject)
		}
	}
}

// download is a route for links in mails.
func download(w http.ResponseWriter, r *http.Request) {
	token, _ := gate.FromContext(r.Context())
	fmt.Fprintf(w, "the report of %s, asked for by %s\n", token.Subject, token.Location())
}

// A link carries its token in the query string. Only this route looks there, and the
// token lives for minutes.
func tokenInLink() {
	key, err := keys.Generate(keys.HS256)
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
}

// order reads the same body that the gate has found the token in.
func order(w http.ResponseWriter, r *http.Request) {
	token, _ := gate.FromContext(r.Context())
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cannot read the body", http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, token.Subject, strings.Contains(string(body), `"item":"tea"`))
}

// A token in a JSON body. The body stays readable for the handler.
func tokenInJSON() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{
		Keys:      key,
		Locations: []gate.Location{gate.FromJSON("access_token", "refresh_token")},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	route := g.Require(gate.Policy{})(http.HandlerFunc(order))
	for _, body := range []string{
		`{"item":"tea","access_token":"` + token + `"}`,
		`{"item":"tea"}`,
	} {
		r := httptest.NewRequest("POST", "/orders", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
}
