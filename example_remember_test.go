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

// "Remember me": the login chooses how long the browser keeps its cookies. The token
// records it, and cookies that Renew sets end at the same time.
func ExampleCookieOptions() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	g, err := gate.New(gate.Config{
		Keys:      key,
		Locations: []gate.Location{gate.FromCookies()},
		Clock:     func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	remember := gate.CookieOptions{MaxAge: 30 * 24 * time.Hour}
	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{Cookies: remember})
	if err != nil {
		log.Fatal(err)
	}
	cookies, err := g.AccessCookies(context.Background(), token, gate.CookieOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("login:  ", cookies[0].Expires.Format(time.DateTime))

	now = now.Add(10 * time.Minute)
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(cookies[0])
	w := httptest.NewRecorder()
	g.Renew(gate.RenewOptions{})(g.Require(gate.Policy{})(page)).ServeHTTP(w, r)
	fmt.Println("renewed:", w.Result().Cookies()[0].Expires.Format(time.DateTime))
	// Output:
	// login:   2026-01-31 12:00:00
	// renewed: 2026-01-31 12:00:00
}
