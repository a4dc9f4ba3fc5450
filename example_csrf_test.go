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

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

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
func ExampleGate_CSRFInput() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
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
	// Output:
	// sent to bob
}
