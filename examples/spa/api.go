package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatesql"
)

// api is what the handlers share.
type api struct {
	users    users
	gate     *gate.Gate                  // auth
	store    *gatesql.Store              // auth
	sessions *session.Manager            // auth
	pages    *http.CrossOriginProtection // auth
}

func newAPI(ctx context.Context, db *sql.DB, key keys.Source, origin string, clock func() time.Time) (*api, error) {
	a := &api{users: users{db}, pages: http.NewCrossOriginProtection()} // auth
	err := a.pages.AddTrustedOrigin(origin)                             // auth
	if err != nil {
		return nil, err
	}
	a.store, err = gatesql.Open(ctx, db, gatesql.Options{Dialect: gatesql.SQLite}) // auth
	if err != nil {
		return nil, err
	}
	a.gate, err = gate.New(gate.Config{ // auth
		Keys: key, Blocklist: a.store, LoadUser: a.loadUser, Clock: clock, // auth
		Cookies: gate.Cookies{ // auth
			Refresh: gate.CookieNames{Path: "/auth/"},            // auth
			CSRF:    gate.CSRF{TrustedOrigins: []string{origin}}, // auth
		}, // auth
	}) // auth
	if err != nil {
		return nil, err
	}
	a.sessions, err = session.New(a.gate, a.store, session.Options{Delivery: session.Split}) // auth
	return a, err
}

func (a *api) handler(origin string) http.Handler {
	mux := http.NewServeMux()
	member := a.gate.Require(gate.Policy{})                                    // auth
	fresh := a.gate.Require(gate.Policy{Fresh: true})                          // auth
	admin := a.gate.Require(gate.Policy{Allow: a.mustAdmin})                   // auth
	mux.Handle("POST /login", a.pages.Handler(http.HandlerFunc(a.logIn)))      // auth
	mux.Handle("/auth/", a.sessions.Handler("/auth/"))                         // auth
	mux.Handle("GET /me", member(http.HandlerFunc(a.me)))                      // auth
	mux.Handle("POST /password", fresh(http.HandlerFunc(a.changePassword)))    // auth
	mux.Handle("POST /users", admin(http.HandlerFunc(a.addUser)))              // auth
	mux.Handle("DELETE /users/{name}", admin(http.HandlerFunc(a.disableUser))) // auth
	return cors(origin, mux)
}

// loadUser is the gate's: it is asked at each request and each refresh, so a role that was
// taken away, or a disabled account, counts at once.
func (a *api) loadUser(ctx context.Context, t *gate.Token) (any, error) { // auth
	u, err := a.users.find(ctx, t.Subject) // auth
	if errors.Is(err, errNoUser) {         // auth
		return nil, gate.ErrNoUser // auth
	} // auth
	return u, err // auth
} // auth

var errNoAdmin = errors.New("not an admin")

func (a *api) mustAdmin(ctx context.Context, _ *gate.Token) error { // auth
	if !current(ctx).Admin { // auth
		return errNoAdmin // auth
	} // auth
	return nil // auth
} // auth

// current is who is logged in.
func current(ctx context.Context) *user {
	u, _ := gate.User[*user](ctx) // auth
	return u
}

type credentials struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Remember bool   `json:"remember"`
}

func (a *api) logIn(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if !readJSON(w, r, &c) {
		return
	}
	generation, err := a.gate.Generation(r.Context(), c.Name) // auth
	if err != nil {
		a.gate.WriteError(w, r, err) // auth
		return
	}
	u, err := a.users.authenticate(r.Context(), c.Name, c.Password)
	if err != nil {
		a.fail(w, err)
		return
	}
	pair, err := a.sessions.Start(r.Context(), u.Name, session.Login{ // auth
		Remember: c.Remember, Device: session.DeviceOf(gate.HTTPRequest(r)), Generation: generation, // auth
	}) // auth
	if err != nil {
		a.gate.WriteError(w, r, err) // auth
		return
	}
	a.sessions.Write(w, r, pair) // auth
}

func (a *api) me(w http.ResponseWriter, r *http.Request) { writeJSON(w, current(r.Context())) }

// changePassword logs out all other devices.
func (a *api) changePassword(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if !readJSON(w, r, &c) {
		return
	}
	t, _ := gate.FromContext(r.Context()) // auth
	err := a.users.setPassword(r.Context(), t.Subject, c.Password)
	if err == nil {
		err = a.sessions.EndOthers(r.Context(), t.Subject, t.SessionID) // auth
	}
	if err != nil {
		a.fail(w, err)
		return
	}
	writeJSON(w, map[string]string{"msg": "The password is changed, and other devices are logged out"})
}

func (a *api) addUser(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if !readJSON(w, r, &c) {
		return
	}
	if err := a.users.add(r.Context(), c.Name, c.Password, false); err != nil {
		a.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (a *api) disableUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	err := a.users.disable(r.Context(), name)
	if err == nil {
		err = a.sessions.EndAll(r.Context(), name) // auth
	}
	if err != nil {
		a.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fail answers an error of the accounts or of the database.
func (a *api) fail(w http.ResponseWriter, err error) {
	for known, status := range map[error]int{errNoUser: 401, errTaken: 409, errBadInput: 400} {
		if errors.Is(err, known) {
			http.Error(w, known.Error(), status)
			return
		}
	}
	http.Error(w, "try again later", http.StatusServiceUnavailable)
}

func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(v)
	if err != nil {
		http.Error(w, "the body is not the JSON that is wanted here", http.StatusBadRequest)
	}
	return err == nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may have left
}
