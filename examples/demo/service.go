package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"

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
	accounts accounts
	store    *gatesql.Store
	hasher   *hasher
}

// newService returns the service on db, where it keeps sessions and what is revoked as well.
func newService(ctx context.Context, db *sql.DB, key keys.Source) (*service, error) {
	s := &service{accounts: accounts{db}}
	var err error
	if s.hasher, err = newHasher(runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	if s.store, err = gatesql.Open(ctx, db, gatesql.Options{Dialect: gatesql.SQLite}); err != nil {
		return nil, err
	}
	s.gate, err = gate.New(gate.Config{
		Keys:      key,
		Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()},
		Cookies:   gate.Cookies{Insecure: true}, // the demo speaks plain HTTP; leave this out behind TLS
		Blocklist: s.store,
		LoadUser:  s.loadUser,
		OnEvent:   gate.SlogEvents(slog.Default()),
	})
	if err != nil {
		return nil, err
	}
	if s.sessions, err = session.New(s.gate, s.store, session.Options{Delivery: session.JSON}); err != nil {
		return nil, err
	}
	s.browsers, err = session.New(s.gate, s.store, session.Options{Delivery: session.Cookies})
	return s, err
}

// routes says what each route demands.
func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	guarded := func(pattern string, p gate.Policy, h http.HandlerFunc) {
		mux.Handle(pattern, s.gate.Require(p)(h))
	}
	mux.HandleFunc("POST /signup", s.signUp)
	mux.HandleFunc("POST /login", s.logIn)
	guarded("GET /hello", gate.Policy{Optional: true}, s.hello)
	guarded("GET /me", gate.Policy{}, s.me)
	guarded("POST /password", gate.Policy{Fresh: true}, s.changePassword)
	mux.Handle("/auth/", s.sessions.Handler("/auth/"))
	mux.Handle("/web/", s.browsers.Handler("/web/"))
	return mux
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
