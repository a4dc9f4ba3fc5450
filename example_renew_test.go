package gate_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Implicit refresh: while somebody uses the site, the cookie is replaced before its
// token ends. The page has nothing to do.
func ExampleGate_Renew() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	g, err := gate.New(gate.Config{
		Keys:      key,
		Create:    gate.Create{AccessLifetime: time.Hour},
		Locations: []gate.Location{gate.FromCookies()},
		Clock:     func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "a page") })
	site := g.Renew(gate.RenewOptions{Within: 30 * time.Minute})(g.Require(gate.Policy{})(page))

	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "access_token_cookie", Value: token})
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(now.Format("15:04"), w.Code, "new cookies:", len(w.Result().Cookies()))
		now = now.Add(31 * time.Minute)
	}
	// Output:
	// 12:00 200 new cookies: 0
	// 12:31 200 new cookies: 2
	// 13:02 401 new cookies: 0
}
