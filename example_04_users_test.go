package gate_test

import (
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// The account of the token, in handlers and in templates.
func Example_users() {
	currentUser()
	currentUserInTemplate()
	// Output:
	// 200 2 is Ann Takamaki
	// 401 {"msg":"The token's user does not exist"}
	// <a href="/login">Log in</a>
	// Hi &lt;b&gt;Bobby&lt;/b&gt;!
}

// hero is an account of the application.
type hero struct {
	ID   int
	Name string
}

// heroes is in the place of a database.
var heroes = map[int]*hero{1: {1, "Bruce Wayne"}, 2: {2, "Ann Takamaki"}}

// loadHero finds the account of a token. A nil account refuses the request.
func loadHero(_ context.Context, t *gate.Token) (any, error) {
	id, err := strconv.Atoi(t.Subject)
	if err != nil {
		return nil, gate.ErrNoUser
	}
	return heroes[id], nil
}

// The account of the token is loaded before the handler runs.
func currentUser() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, LoadUser: loadHero})
	if err != nil {
		log.Fatal(err)
	}
	whoAmI := g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, _ := gate.User[*hero](r.Context())
		fmt.Fprintf(w, "%d is %s\n", h.ID, h.Name)
	}))

	for _, id := range []int{2, 3} { // nobody has the third
		token, err := g.CreateAccessToken(context.Background(), id, gate.TokenOptions{})
		if err != nil {
			log.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/who_am_i", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		whoAmI.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
}

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
func currentUserInTemplate() {
	key, err := keys.Generate(keys.HS256)
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
}
