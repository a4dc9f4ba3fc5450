//go:build unix

package flask_test

import (
	"context"
	"errors"
	"net/http"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// register sets what a callback of testdata/app.py is in a gate.Config.
func (a *app) register(name string, cfg *gate.Config) {
	switch name {
	case "blocklist":
		cfg.Blocklist = gate.BlocklistFunc(func(_ context.Context, t *gate.Token) (bool, error) { return a.jtis[t.ID], nil })
	case "users":
		cfg.LoadUser = func(_ context.Context, t *gate.Token) (any, error) {
			if t.Identity() == "alice" {
				return object{"name": "Alice", "id": 1}, nil
			}
			return nil, nil
		}
	case "verify":
		cfg.Verify = func(_ context.Context, t *gate.Token) error {
			var claims struct {
				Tenant any `json:"tenant"`
			}
			if err := t.Claims(&claims); err != nil {
				return err
			}
			if claims.Tenant == "closed" {
				return errors.New("this tenant is closed")
			}
			return nil
		}
	case "claims":
		cfg.Prepare = func(_ context.Context, d *gate.Draft) error {
			d.Claims["role"], d.Claims["for"], d.Header["kid"] = "reader", d.Identity, "first"
			d.Identity = "user:" + shown(d.Identity)
			return nil
		}
	case "answers":
		standard := cfg.OnError
		cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) {
			if !ownAnswer(w, err) {
				standard(w, r, err)
			}
		}
	}
}

// ownAnswer answers what the application has a callback for.
func ownAnswer(w http.ResponseWriter, err error) bool {
	var status int
	var body object
	switch {
	case errors.Is(err, gate.ErrExpired):
		var e *gate.Error
		errors.As(err, &e)
		claims, _ := flask.GetJWT(gate.NewContext(context.Background(), e.Token))
		status, body = 419, object{"code": "late", "sub": claims["sub"]}
	case errors.Is(err, gate.ErrMissing), errors.Is(err, gate.ErrCSRF):
		status, body = 403, object{"code": "login", "why": flask.Message(err)}
	case errors.Is(err, gate.ErrRevoked):
		status, body = 410, object{"code": "gone"}
	case errors.Is(err, gate.ErrNotFresh):
		status, body = 402, object{"code": "again"}
	default:
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return answer(w, body) == nil
}
