package gate_test

import (
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Tokens in cookies: for pages with scripts, for forms, for "remember me", and
// renewed while the user is active.
func Example_cookies() {
	pageWithScripts()
	formWithoutScripts()
	rememberMe()
	renewedCookie()
	// Output:
	// access_token_cookie HttpOnly: true Secure: true
	// csrf_access_token HttpOnly: false Secure: true
	// 403 {"msg":"The CSRF value is missing; send it in the X-Csrf-Token header"}
	// 200 logged out
	// sent to bob
	// login:   2026-01-31 12:00:00
	// renewed: 2026-01-31 12:00:00
	// 12:00 200 new cookies: 0
	// 12:31 200 new cookies: 2
	// 13:02 401 new cookies: 0
}

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
func pageWithScripts() {
	key, err := keys.Generate(keys.HS256)
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
}

var transferForm = template.Must(template.New("form").Parse(
	`<form method="post">{{.CSRF}}<input name="to"></form>`))

// transferPage shows a form, and takes it.
func transferPage(g *gate.Gate) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			fmt.Fprint(w, "sent to ", r.PostFormValue("to"))
			return
		}
		err := transferForm.Execute(w, map[string]any{"CSRF": template.HTML(g.CSRFInput(r.Context()))})
		if err != nil {
			log.Print(err)
		}
	}
}

// A form in a page without scripts sends the CSRF value as a hidden field.
func formWithoutScripts() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{
		Keys:      key,
		Locations: []gate.Location{gate.FromCookies()},
		Cookies:   gate.Cookies{CSRF: gate.CSRF{Form: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	page := g.Require(gate.Policy{})(transferPage(g))
	visit := func(method string, form url.Values) string {
		r := httptest.NewRequest(method, "/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "access_token_cookie", Value: token})
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w.Body.String()
	}
	_, rest, _ := strings.Cut(visit("GET", nil), `name="csrf_token" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	fmt.Println(visit("POST", url.Values{"to": {"bob"}, "csrf_token": {value}}))
}

// "Remember me": the login chooses how long the browser keeps its cookies. The token
// records it, and cookies that Renew sets end at the same time.
func rememberMe() {
	key, err := keys.Generate(keys.HS256)
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
}

// Implicit refresh: while somebody uses the site, the cookie is replaced before its
// token ends. The page has nothing to do.
func renewedCookie() {
	key, err := keys.Generate(keys.HS256)
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
}
