package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

// The API of a single-page application: the page keeps the access token in memory, and
// the browser the refresh token in a cookie that scripts cannot read.
func Example() {
	store, _ := gatemem.New(gatemem.Options{})
	key, _ := keys.Generate(keys.HS256)
	g, err := gate.New(gate.Config{
		Keys: key, Blocklist: store,
		Cookies: gate.Cookies{Refresh: gate.CookieNames{Path: "/auth/"}},
	})
	if err != nil {
		panic(err)
	}
	m, err := session.New(g, store, session.Options{Delivery: session.Split})
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != "correct horse" {
			http.Error(w, "wrong name or password", http.StatusUnauthorized)
			return
		}
		pair, err := m.Start(r.Context(), r.FormValue("name"), session.Login{Device: session.DeviceOf(gate.HTTPRequest(r))})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		m.Write(w, r, pair)
	})
	mux.Handle("/auth/", m.Handler("/auth/"))
	mux.Handle("GET /me", g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		fmt.Fprintln(w, "hello", t.Subject)
	})))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", "/login?name=alice&password=correct+horse", nil))
	for _, c := range w.Result().Cookies() {
		fmt.Println(c.Name, c.Path, c.HttpOnly)
	}
	// Output:
	// refresh_token_cookie /auth/ true
	// csrf_refresh_token / false
}

// A link to set a new password. It is bound to the hash of the old one, so it is invalid
// once the password has changed. The form redeems it, and the page does not, because mail
// programs open links.
func ExampleOneTime_passwordReset() {
	ctx := context.Background()
	store, _ := gatemem.New(gatemem.Options{})
	key, _ := keys.Generate(keys.HS256)
	g, _ := gate.New(gate.Config{Keys: key, Blocklist: store, Create: gate.Create{Types: []gate.TokenType{"reset"}}})
	m, _ := session.New(g, store, session.Options{})
	resets, err := session.NewOneTime(g, store, "reset")
	if err != nil {
		panic(err)
	}
	stored := map[string]string{"alice": "$argon2id$old"} // the hashes of the passwords

	use := func(user string) session.Use { return session.Use{Purpose: "reset", Context: stored[user]} }
	link, err := resets.Issue(ctx, "alice", use("alice"), session.OneTimeOptions{ExpiresIn: time.Hour})
	if err != nil {
		panic(err)
	}
	// GET /reset/{token} shows the form.
	if _, err := resets.Check(ctx, link, use("alice")); err != nil {
		panic(err)
	}
	// POST /reset/{token} has the new password.
	t, err := resets.Redeem(ctx, link, use("alice"))
	if err != nil {
		panic(err)
	}
	stored[t.Subject] = "$argon2id$new"
	fmt.Println("sessions ended:", m.EndAll(ctx, t.Subject) == nil)

	_, err = resets.Redeem(ctx, link, use("alice"))
	fmt.Println(gate.StatusCode(err))
	// Output:
	// sessions ended: true
	// 401
}

// A link that confirms an e-mail address: the context is the address, so a link for one
// address does not confirm another.
func ExampleOneTime_confirmation() {
	ctx := context.Background()
	store, _ := gatemem.New(gatemem.Options{})
	key, _ := keys.Generate(keys.HS256)
	g, _ := gate.New(gate.Config{Keys: key, Blocklist: store, Create: gate.Create{Types: []gate.TokenType{"confirm"}}})
	confirmations, err := session.NewOneTime(g, store, "confirm")
	if err != nil {
		panic(err)
	}
	link, err := confirmations.Issue(ctx, "alice",
		session.Use{Purpose: "confirm", Context: "alice@example.com"}, session.OneTimeOptions{ExpiresIn: 48 * time.Hour})
	if err != nil {
		panic(err)
	}
	// The address was changed before the link was opened.
	_, err = confirmations.Redeem(ctx, link, session.Use{Purpose: "confirm", Context: "alice@example.org"})
	fmt.Println(gate.StatusCode(err))
	t, err := confirmations.Redeem(ctx, link, session.Use{Purpose: "confirm", Context: "alice@example.com"})
	fmt.Println(t.Subject, err)
	// Output:
	// 403
	// alice <nil>
}

// A link that downloads one file once, made for somebody who is logged in: it ends with
// the session of the page that shows it.
func ExampleOneTime_download() {
	ctx := context.Background()
	store, _ := gatemem.New(gatemem.Options{})
	key, _ := keys.Generate(keys.HS256)
	g, _ := gate.New(gate.Config{Keys: key, Blocklist: store, Create: gate.Create{Types: []gate.TokenType{"download"}}})
	m, _ := session.New(g, store, session.Options{})
	downloads, err := session.NewOneTime(g, store, "download")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /files/{name}/{token}", func(w http.ResponseWriter, r *http.Request) {
		use := session.Use{Purpose: "download", Context: r.PathValue("name")}
		if _, err := downloads.Redeem(r.Context(), r.PathValue("token"), use); err != nil {
			g.WriteError(w, r, err)
			return
		}
		fmt.Fprint(w, "the file")
	})

	pair, _ := m.Start(ctx, "alice", session.Login{})
	link, err := downloads.Issue(ctx, "alice", session.Use{Purpose: "download", Context: "report.pdf"},
		session.OneTimeOptions{ExpiresIn: time.Minute, From: pair.AccessToken()})
	if err != nil {
		panic(err)
	}
	for _, path := range []string{"/files/salaries.pdf/", "/files/report.pdf/", "/files/report.pdf/"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path+link, nil))
		fmt.Println(path, w.Code)
	}
	// Output:
	// /files/salaries.pdf/ 403
	// /files/report.pdf/ 200
	// /files/report.pdf/ 401
}
