package flask_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// ported is a Flask application in Go: login, and one protected route.
func ported(g *gate.Gate) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("username") != "test" || r.FormValue("password") != "test" {
			http.Error(w, "Bad username or password", http.StatusUnauthorized)
			return
		}
		token, err := g.CreateAccessToken(r.Context(), r.FormValue("username"), gate.TokenOptions{Fresh: true})
		if err != nil {
			http.Error(w, "no token", http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"access_token": token})
	})
	// @jwt_required()
	mux.Handle("GET /protected", g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, err := flask.GetJWTIdentity(r.Context())
		if err != nil {
			http.Error(w, "no guard", http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"logged_in_as": identity})
	})))
	return mux
}

// call sends a request and returns status and body.
func call(app http.Handler, method, target, authorization string) (int, []byte) {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	return w.Code, body
}

// The options come from the environment.
func ExampleFromEnv() {
	revoked := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, nil })
	environ := []string{"JWT_SECRET_KEY=" + rand.Text() + rand.Text(), "JWT_ACCESS_TOKEN_EXPIRES=900"} // os.Environ()
	// [environment]
	g, err := flask.FromEnv(environ, func(cfg *gate.Config) { // JWT_SECRET_KEY=... JWT_ACCESS_TOKEN_EXPIRES=900
		cfg.Blocklist = revoked
	})
	// [end]
	fmt.Println(g, err)
	// Output: gate.Gate <nil>
}

// A Flask application moves to Go: its options keep their names, and its clients get
// the answers they know.
func Example() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	g, err := flask.New(map[string]any{
		"JWT_SECRET_KEY":           rand.Text() + rand.Text(), // in an application: the text that Flask has
		"JWT_TOKEN_LOCATION":       []string{"headers", "cookies"},
		"JWT_ACCESS_TOKEN_EXPIRES": 3600,
	}, func(cfg *gate.Config) {
		cfg.Clock = func() time.Time { return now }
		standard := cfg.OnError // @jwt.expired_token_loader
		cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, gate.ErrExpired) {
				http.Error(w, "too late", http.StatusTeapot)
				return
			}
			standard(w, r, err)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	app := ported(g)

	var login struct {
		Token string `json:"access_token"`
	}
	_, body := call(app, "POST", "/login?username=test&password=test", "")
	if err := json.Unmarshal(body, &login); err != nil {
		log.Fatal(err)
	}
	for _, authorization := range []string{"Bearer " + login.Token, "Basic dGVzdDp0ZXN0", "Bearer junk"} {
		status, body := call(app, "GET", "/protected", authorization)
		fmt.Printf("%d %s", status, body)
	}
	now = now.Add(2 * time.Hour)
	status, body := call(app, "GET", "/protected", "Bearer "+login.Token)
	fmt.Printf("%d %s", status, body)
	// Output:
	// 200 {"logged_in_as":"test"}
	// 401 {"msg":"Missing JWT in headers or cookies (Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'; Missing cookie \"access_token_cookie\")"}
	// 422 {"msg":"Not enough segments"}
	// 418 too late
}
