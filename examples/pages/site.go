package main

import (
	"fmt"
	"html/template"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

// site is what the handlers share.
type site struct {
	users    users
	gate     *gate.Gate       // auth
	sessions *session.Manager // auth

	mu    sync.Mutex
	notes map[string][]string // by user
}

func newSite(key keys.Source, insecure bool, clock func() time.Time) (*site, error) {
	s := &site{users: newUsers("alice", "correct horse"), notes: map[string][]string{}}
	store, err := gatemem.New(gatemem.Options{Clock: clock}) // auth
	if err != nil {
		return nil, err
	}
	s.gate, err = gate.New(gate.Config{ // auth
		Keys: key, Blocklist: store, Clock: clock, // auth
		Locations: []gate.Location{gate.FromCookies()},                           // auth
		Cookies:   gate.Cookies{Insecure: insecure, CSRF: gate.CSRF{Form: true}}, // auth
		OnError:   gate.RedirectErrors("/login", nil),                            // auth
	}) // auth
	if err != nil {
		return nil, err
	}
	s.sessions, err = session.New(s.gate, store, session.Options{Delivery: session.Cookies}) // auth
	return s, err
}

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { show(w, "login", nil) })
	mux.Handle("POST /login", http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.logIn))) // auth
	member := s.gate.Require(gate.Policy{})                                                       // auth
	mux.Handle("GET /{$}", member(http.HandlerFunc(s.home)))                                      // auth
	mux.Handle("POST /notes", member(http.HandlerFunc(s.addNote)))                                // auth
	mux.Handle("POST /pictures", member(http.HandlerFunc(s.addPicture)))                          // auth
	mux.Handle("POST /logout", http.HandlerFunc(s.logOut))                                        // auth
	return s.sessions.Renew(mux)                                                                  // auth
}

func (s *site) logIn(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	if !s.users.know(name, r.FormValue("password")) {
		w.WriteHeader(http.StatusUnauthorized)
		show(w, "login", "Wrong name or password")
		return
	}
	login := session.Login{Remember: r.FormValue("remember") != "", Device: session.DeviceOf(gate.HTTPRequest(r))} // auth
	pair, err := s.sessions.Start(r.Context(), name, login)                                                        // auth
	if err != nil {
		s.gate.WriteError(w, r, err) // auth
		return
	}
	s.sessions.Redirect(w, r, pair, gate.LocalURL(r.FormValue("next"), "/")) // auth
}

func (s *site) logOut(w http.ResponseWriter, r *http.Request) {
	cookies, err := s.sessions.Logout(r.Context(), gate.HTTPRequest(r)) // auth
	if err != nil {
		s.gate.WriteError(w, r, err) // auth
		return
	}
	gate.SetCookies(w, cookies) // auth
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// user is the name of who is logged in.
func user(r *http.Request) string {
	t, _ := gate.FromContext(r.Context()) // auth
	return t.Subject                      // auth
}

func (s *site) home(w http.ResponseWriter, r *http.Request) {
	devices, err := s.sessions.List(r.Context(), user(r)) // auth
	if err != nil {
		s.gate.WriteError(w, r, err) // auth
		return
	}
	s.mu.Lock()
	notes := append([]string(nil), s.notes[user(r)]...)
	s.mu.Unlock()
	show(w, "home", map[string]any{
		"Name": user(r), "Notes": notes, "Devices": devices,
		"CSRF": template.HTML(s.gate.CSRFInput(r.Context())), // auth
	})
}

func (s *site) addNote(w http.ResponseWriter, r *http.Request) {
	s.add(w, r, r.FormValue("note"))
}

func (s *site) addPicture(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("picture")
	if err != nil {
		http.Error(w, "choose a picture", http.StatusBadRequest)
		return
	}
	defer file.Close()
	n, err := io.Copy(io.Discard, file) // a real site keeps it
	if err != nil {
		http.Error(w, "the picture did not arrive", http.StatusBadRequest)
		return
	}
	s.add(w, r, fmt.Sprintf("picture %s, %d bytes", header.Filename, n))
}

func (s *site) add(w http.ResponseWriter, r *http.Request, note string) {
	s.mu.Lock()
	s.notes[user(r)] = append(s.notes[user(r)], note)
	s.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
