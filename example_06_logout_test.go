package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// Revoke one token, and both tokens of a login.
func Example_logout() {
	logOutToken()
	logOutSession()
	// Output:
	// 200 access token revoked
	// 200 refresh token revoked
	// 401 {"msg":"The token has been revoked"}
	// access revoked: true
	// refresh revoked: true
}

// tokenIDs is the least that a blocklist can be. The packages in stores also forget
// entries when their tokens have expired.
type tokenIDs struct{ revoked sync.Map }

// Blocked implements gate.Blocklist.
func (b *tokenIDs) Blocked(_ context.Context, t *gate.Token) (bool, error) {
	_, found := b.revoked.Load(t.ID)
	return found, nil
}

// logOut revokes the token that the request came with, of whichever type.
func (b *tokenIDs) logOut(w http.ResponseWriter, r *http.Request) {
	t, _ := gate.FromContext(r.Context())
	b.revoked.Store(t.ID, true)
	fmt.Fprintf(w, "%s token revoked\n", t.Type)
}

// One logout route for both tokens: the client calls it once with each.
func logOutToken() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	var revoked tokenIDs
	g, err := gate.New(gate.Config{Keys: key, Blocklist: &revoked})
	if err != nil {
		log.Fatal(err)
	}
	logOut := g.Require(gate.Policy{Type: gate.AnyTokenType})(http.HandlerFunc(revoked.logOut))

	ctx := context.Background()
	access, err := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	refresh, err := g.CreateRefreshToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []string{access, refresh, access} {
		r := httptest.NewRequest("DELETE", "/logout", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		logOut.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
}

// openSession makes the two tokens of a login, which share a session ID.
func openSession(ctx context.Context, g *gate.Gate, name string) (access, refresh string, err error) {
	access, token, err := g.Issue(ctx, gate.Access, name, gate.TokenOptions{Fresh: true})
	if err != nil {
		return "", "", err
	}
	refresh, err = g.CreateRefreshToken(ctx, name, gate.TokenOptions{SessionID: token.SessionID})
	return access, refresh, err
}

// Both tokens of a login are revoked at once by the session ID that they share. The
// store here is in memory; gatesql and gateredis have the same methods.
func logOutSession() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	revoked, err := gatemem.New(gatemem.Options{})
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: revoked})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	access, refresh, err := openSession(ctx, g, "alice")
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CheckToken(ctx, access, gate.Policy{})
	if err != nil {
		log.Fatal(err)
	}

	if err := revoked.RevokeSession(ctx, token.SessionID, stores.Note{Why: "logout"}); err != nil {
		log.Fatal(err)
	}
	_, err = g.CheckToken(ctx, access, gate.Policy{})
	fmt.Println("access revoked:", errors.Is(err, gate.ErrRevoked))
	_, err = g.CheckToken(ctx, refresh, gate.Policy{Type: gate.Refresh})
	fmt.Println("refresh revoked:", errors.Is(err, gate.ErrRevoked))
}
