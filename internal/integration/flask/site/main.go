// Command site has the routes that have moved from Flask to Go.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// revocations are the keys of the Flask application in Redis: the jti of each revoked token.
type revocations struct{ rueidis.Client }

func (r revocations) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	found, err := r.Do(ctx, r.B().Exists().Key(t.ID).Build()).AsBool()
	return found || t.ID == "", err // without jti nobody could revoke it
}

// Revoke revokes a token until it expires.
func (r revocations) Revoke(ctx context.Context, t *gate.Token) error {
	set := r.B().Set().Key(t.ID).Value("")
	if t.Expiry.IsZero() {
		return r.Do(ctx, set.Build()).Error()
	}
	return r.Do(ctx, set.ExatTimestamp(t.Expiry.Unix()).Build()).Error()
}

func main() {
	options, err := rueidis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := rueidis.NewClient(options)
	if err != nil {
		log.Fatal(err)
	}
	revoked := revocations{client}
	// [gate]
	g, err := flask.New(map[string]any{
		"JWT_SECRET_KEY":           os.Getenv("JWT_SECRET_KEY"),
		"JWT_TOKEN_LOCATION":       "cookies",
		"JWT_ACCESS_TOKEN_EXPIRES": time.Hour,
	}, func(cfg *gate.Config) { cfg.Blocklist = revoked })
	// [end]
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", newSite(g, revoked)))
}

func newSite(g *gate.Gate, revoked revocations) http.Handler {
	mux := http.NewServeMux()
	access, refresh := g.Require(gate.Policy{}), g.Require(gate.Policy{Type: gate.Refresh})
	mux.Handle("GET /profile", access(flask.View(g, func(w http.ResponseWriter, r *http.Request) error {
		identity, err := flask.GetJWTIdentity(r.Context())
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(map[string]any{"profile_of": identity})
	})))
	mux.Handle("POST /refresh", refresh(flask.View(g, func(w http.ResponseWriter, r *http.Request) error {
		identity, err := flask.GetJWTIdentity(r.Context())
		if err != nil {
			return err
		}
		raw, err := g.CreateAccessToken(r.Context(), identity, gate.TokenOptions{})
		if err != nil {
			return err
		}
		cookies, err := g.AccessCookies(r.Context(), raw, gate.CookieOptions{})
		if err != nil {
			return err
		}
		gate.SetCookies(w, cookies)
		return json.NewEncoder(w).Encode(map[string]any{"msg": "refreshed"})
	})))
	mux.Handle("POST /logout", access(flask.View(g, func(w http.ResponseWriter, r *http.Request) error {
		t, _ := gate.FromContext(r.Context())
		if err := revoked.Revoke(r.Context(), t); err != nil {
			return err
		}
		if c, err := r.Cookie("refresh_token_cookie"); err == nil { // the other token of this login
			if t, err := g.CheckToken(r.Context(), c.Value, gate.Policy{Type: gate.Refresh}); err == nil {
				if err := revoked.Revoke(r.Context(), t); err != nil {
					return err
				}
			}
		}
		gate.SetCookies(w, g.ClearCookies(gate.CookieOptions{}))
		return json.NewEncoder(w).Encode(map[string]any{"msg": "goodbye"})
	})))
	return mux
}
