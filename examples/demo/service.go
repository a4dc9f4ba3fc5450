package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatesql"
)

// service is what the handlers share.
type service struct {
	gate     *gate.Gate
	sessions *session.Manager // of clients that keep their tokens
	browsers *session.Manager // of browsers, which have them in cookies
	split    *session.Manager // of pages, which have the access token in memory and the refresh token in a cookie
	ring     *keys.Ring
	accounts accounts
	store    *gatesql.Store
	hasher   *hasher
	journal  *journal
}

// newService returns the service on db, where it keeps sessions and what is revoked as well.
func newService(ctx context.Context, db *sql.DB, ring *keys.Ring) (*service, error) {
	s := &service{accounts: accounts{db}, ring: ring, journal: newJournal()}
	var err error
	if s.hasher, err = newHasher(runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	if s.store, err = gatesql.Open(ctx, db, gatesql.Options{Dialect: gatesql.SQLite}); err != nil {
		return nil, err
	}
	if err = s.newGate(); err != nil {
		return nil, err
	}
	return s, s.newManagers()
}

func (s *service) newGate() (err error) {
	s.gate, err = gate.New(gate.Config{
		Keys: s.ring,
		Locations: []gate.Location{ // the page shows all four; most services need one
			gate.FromHeader("Authorization", "Bearer"),
			gate.FromCookies(),
			gate.FromJSON("access_token", "refresh_token"),
			gate.FromQuery("access_token", ""),
		},
		Cookies: gate.Cookies{
			Refresh:  gate.CookieNames{Path: "/web/"}, // sent to these routes only
			Insecure: true,                            // the demo speaks plain HTTP; leave this out behind TLS
		},
		Blocklist: s.store,
		LoadUser:  s.loadUser,
		Prepare:   prepare,
		OnEvent:   s.onEvent(),
	})
	return err
}

func (s *service) newManagers() (err error) {
	for _, m := range []struct {
		manager **session.Manager
		how     session.Delivery
	}{{&s.sessions, session.JSON}, {&s.browsers, session.Cookies}, {&s.split, session.Split}} {
		*m.manager, err = session.New(s.gate, s.store, session.Options{
			Delivery: m.how,
			Grace:    3 * time.Second, // short, since the page waits for its end; the default is 10 seconds
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// routes says what each route demands. Some take any method: a GET has no body for a
// token, and a POST shows the CSRF check.
func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	guarded := func(pattern string, p gate.Policy, h http.HandlerFunc) {
		mux.Handle(pattern, s.gate.Require(p)(h))
	}
	mux.HandleFunc("POST /signup", s.signUp)
	mux.HandleFunc("POST /login", s.logIn)
	mux.HandleFunc("/open", s.open)
	guarded("/hello", gate.Policy{Optional: true}, s.hello)
	guarded("/me", gate.Policy{}, s.me)
	guarded("/secrets", gate.Policy{Fresh: true}, s.secrets)
	guarded("/reports", gate.Policy{Scopes: []string{"reports:read"}}, s.reports)
	guarded("/admin", gate.Policy{Allow: mustAdmin}, s.admin)
	guarded("POST /password", gate.Policy{Fresh: true}, s.changePassword)
	guarded("POST /confirm", gate.Policy{}, s.confirm)
	guarded("POST /role", gate.Policy{}, s.setRole)
	mux.HandleFunc("GET /keys", s.listKeys)
	guarded("POST /keys/rotate", gate.Policy{}, s.rotateKey)
	guarded("GET /claims", gate.Policy{}, s.claims)
	guarded("GET /web/claims", gate.Policy{Type: gate.Refresh}, s.claims)
	s.sessionRoutes(mux)
	return s.journal.watch(mux)
}

// sessionRoutes adds refresh, logout, logout everywhere, and the list of devices, for
// each way in which tokens travel.
func (s *service) sessionRoutes(mux *http.ServeMux) {
	mux.Handle("/auth/", s.sessions.Handler("/auth/"))
	mux.Handle("/web/", s.browsers.Handler("/web/"))
	mux.Handle("/web/split/", s.split.Handler("/web/split/"))
}

// loadUser is the gate's: it finds the account of a token.
func (s *service) loadUser(ctx context.Context, t *gate.Token) (any, error) {
	id, err := strconv.ParseInt(t.Subject, 10, 64)
	if err != nil {
		return nil, gate.ErrNoUser
	}
	a, err := s.accounts.byID(ctx, id)
	if errors.Is(err, errNoAccount) {
		return nil, gate.ErrNoUser
	}
	return a, err
}

var errNoAdmin = errors.New("not an admin")

// mustAdmin asks the account and not the token, so a role that is taken away counts at once.
func mustAdmin(ctx context.Context, _ *gate.Token) error {
	if a, ok := gate.User[*account](ctx); !ok || !a.Admin {
		return errNoAdmin
	}
	return nil
}
