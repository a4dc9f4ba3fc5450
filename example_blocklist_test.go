package gate_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

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
func ExampleBlocklist() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
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
	// Output:
	// 200 access token revoked
	// 200 refresh token revoked
	// 401 {"msg":"The token has been revoked"}
}
