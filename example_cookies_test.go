package gate_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// cookieSite is a web page's backend: its tokens live in cookies.
type cookieSite struct{ gate *gate.Gate }

func (s cookieSite) logIn(w http.ResponseWriter, r *http.Request) {
	token, err := s.gate.CreateAccessToken(r.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	cookies, err := s.gate.AccessCookies(r.Context(), token, gate.CookieOptions{})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	gate.SetCookies(w, cookies)
}

func (s cookieSite) logOut(w http.ResponseWriter, r *http.Request) {
	gate.SetCookies(w, s.gate.ClearCookies(gate.CookieOptions{}, gate.Access))
	fmt.Fprintln(w, "logged out")
}

// Cookies carry tokens to a browser. A request that may change something repeats the
// CSRF value, which the page reads from the second cookie.
func ExampleFromCookies() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Locations: []gate.Location{gate.FromCookies()}})
	if err != nil {
		log.Fatal(err)
	}
	site := cookieSite{g}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", site.logIn)
	mux.Handle("POST /logout", g.Require(gate.Policy{})(http.HandlerFunc(site.logOut)))

	login := httptest.NewRecorder()
	mux.ServeHTTP(login, httptest.NewRequest("POST", "/login", nil))
	cookies := login.Result().Cookies()
	for _, c := range cookies {
		fmt.Println(c.Name, "HttpOnly:", c.HttpOnly, "Secure:", c.Secure)
	}
	for _, csrf := range []string{"", cookies[1].Value} {
		r := httptest.NewRequest("POST", "/logout", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		r.Header.Set("X-CSRF-TOKEN", csrf)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// access_token_cookie HttpOnly: true Secure: true
	// csrf_access_token HttpOnly: false Secure: true
	// 403 {"msg":"The CSRF value is missing; send it in the X-Csrf-Token header"}
	// 200 logged out
}
