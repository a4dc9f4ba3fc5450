package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Routes that demand a fresh token, a role, scopes, or a type of token of the application.
func Example_permissions() {
	freshRoutes()
	roleRoutes()
	scopedRoutes()
	typedRoutes()
	// Output:
	// 12:00 login: stale false
	// 12:00 login, timed: stale false
	// 12:00 refresh: stale true
	// 12:06 login: stale false
	// 12:06 login, timed: stale true
	// 12:06 refresh: stale true
	// alice 200 all is well
	// bob 403 {"msg":"The token is not accepted here"}
	// 200 all is well
	// 403 {"msg":"The token is not accepted here"}
	// 403 {"msg":"The token lacks the scope that this route asks for"}
	// good for 30m0s
	// new password: <nil>
	// anything else: gate: An access token is wanted here
}

// dangerous is what routes demand that ask for the password again.
var dangerous = gate.Policy{Fresh: true}

// A fresh token was created from credentials, not from a refresh token. It may be
// fresh for its whole life, for a time, or not at all.
func freshRoutes() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	g, err := gate.New(gate.Config{Keys: key, Clock: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	tokens := make(map[string]string)
	for name, o := range map[string]gate.TokenOptions{
		"login":        {Fresh: true},
		"login, timed": {FreshFor: 5 * time.Minute},
		"refresh":      {},
	} {
		if tokens[name], err = g.CreateAccessToken(context.Background(), "alice", o); err != nil {
			log.Fatal(err)
		}
	}
	for range 2 {
		for _, name := range []string{"login", "login, timed", "refresh"} {
			r := httptest.NewRequest("POST", "/email", nil)
			r.Header.Set("Authorization", "Bearer "+tokens[name])
			_, err := g.Check(r, dangerous)
			fmt.Printf("%s %s: stale %v\n", now.Format("15:04"), name, errors.Is(err, gate.ErrNotFresh))
		}
		now = now.Add(6 * time.Minute)
	}
}

// colleague is an account of the application.
type colleague struct{ Name, Role string }

// staff is in the place of a database.
var staff = map[string]*colleague{"alice": {"alice", "admin"}, "bob": {"bob", "reader"}}

// loadColleague finds the account of a token.
func loadColleague(_ context.Context, t *gate.Token) (any, error) { return staff[t.Subject], nil }

// withRole is the rule of routes for accounts of one role.
func withRole(role string) func(context.Context, *gate.Token) error {
	return func(ctx context.Context, _ *gate.Token) error {
		if m, ok := gate.User[*colleague](ctx); !ok || m.Role != role {
			return fmt.Errorf("the role %s is needed", role)
		}
		return nil
	}
}

// Roles of the account, which LoadUser loads for each request, so that a role that is taken
// away counts at once. A role in a claim of the token would count until the token expires.
func roleRoutes() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, LoadUser: loadColleague})
	if err != nil {
		log.Fatal(err)
	}
	guard := g.Require(gate.Policy{Allow: withRole("admin")})
	reports := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "all is well") }))
	for _, name := range []string{"alice", "bob"} {
		token, err := g.CreateAccessToken(context.Background(), name, gate.TokenOptions{})
		if err != nil {
			log.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/reports", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		reports.ServeHTTP(w, r)
		fmt.Print(name, " ", w.Code, " ", w.Body)
	}
}

// ownReports lets a token in only for the reports of its own team.
func ownReports(_ context.Context, t *gate.Token) error {
	var claims struct {
		Team string `json:"team"`
	}
	if err := t.Claims(&claims); err != nil {
		return err
	}
	if claims.Team != "red" {
		return errors.New("these are the reports of team red")
	}
	return nil
}

// A route names the scopes that a token must have, and may have a rule of its own.
func scopedRoutes() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	guard := g.Require(gate.Policy{Scopes: []string{"reports:read"}, Allow: ownReports})
	reports := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "all is well") }))

	for _, claims := range []map[string]any{
		{"scope": "reports:read profile", "team": "red"},
		{"scope": "reports:read", "team": "blue"},
		{"scope": "profile", "team": "red"},
	} {
		token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{Claims: claims})
		if err != nil {
			log.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/reports", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		reports.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
}

// A type of one's own: the token in a link to choose a new password opens that route and
// nothing else, and no other token opens it.
func typedRoutes() {
	const reset gate.TokenType = "reset"
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Create: gate.Create{Types: []gate.TokenType{reset}}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	link, token, err := g.Issue(ctx, reset, "alice", gate.TokenOptions{ExpiresIn: 30 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("good for", token.Expiry.Sub(token.IssuedAt))
	_, err = g.CheckToken(ctx, link, gate.Policy{Type: reset})
	fmt.Println("new password:", err)
	_, err = g.CheckToken(ctx, link, gate.Policy{})
	fmt.Println("anything else:", err)
}
