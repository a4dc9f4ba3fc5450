package gate_test

import (
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// reader is the current user of the pages.
type reader struct{ Name string }

// page is what every template gets. CSRF goes into forms, for pages that cannot read
// cookies.
type page struct {
	User *reader
	CSRF string
}

var layout = template.Must(template.New("page").Parse(
	`{{with .User}}Hi {{.Name}}!{{else}}<a href="/login">Log in</a>{{end}}` + "\n"))

// render gives the current user to a template.
func render(w http.ResponseWriter, r *http.Request) {
	var p page
	if token, ok := gate.FromContext(r.Context()); ok {
		p.User, _ = gate.User[*reader](r.Context())
		p.CSRF = token.CSRF()
	}
	if err := layout.Execute(w, p); err != nil {
		log.Print(err)
	}
}

// The current user in html/template.
func ExampleUser_template() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{
		Keys: key,
		LoadUser: func(_ context.Context, t *gate.Token) (any, error) {
			return &reader{Name: t.Subject}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CreateAccessToken(context.Background(), "<b>Bobby</b>", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	route := g.Require(gate.Policy{Optional: true})(http.HandlerFunc(render))
	for _, header := range []string{"", "Bearer " + token} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Print(w.Body)
	}
	// Output:
	// <a href="/login">Log in</a>
	// Hi &lt;b&gt;Bobby&lt;/b&gt;!
}
