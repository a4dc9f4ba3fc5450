package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jwtgate/gate"
)

// onEvent logs what the gate and its sessions report, and shows it on the page.
func (s *service) onEvent() func(context.Context, gate.Event) {
	log := gate.SlogEvents(slog.Default())
	return func(ctx context.Context, e gate.Event) {
		log(ctx, e)
		s.journal.add(ctx, e)
	}
}

const (
	maxViewers = 200
	maxEntries = 100 // of one viewer
	viewerName = "demo_viewer"
)

// An entry is an event on the page. It has no token.
type entry struct {
	N        int            `json:"n"` // 1, 2, 3, ...
	At       time.Time      `json:"at"`
	Request  string         `json:"request"`
	Name     string         `json:"name"`
	Type     gate.TokenType `json:"type,omitzero"`
	Location string         `json:"location,omitzero"`
	Reason   string         `json:"reason,omitzero"`
	Error    string         `json:"error,omitzero"`
}

// A journal keeps the newest events of each browser, which sees only its own.
type journal struct {
	mu      sync.Mutex
	entries map[string][]entry // by viewer
	viewers []string           // the oldest first
}

func newJournal() *journal { return &journal{entries: make(map[string][]entry)} }

// visit is who sent a request, and what it asks for.
type visit struct{ viewer, request string }

type visitKey struct{}

// watch remembers for add which browser a request comes from.
func (j *journal) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie(viewerName); err == nil {
			request := r.Method + " " + r.URL.Path // without the query, which may have a token
			v := visit{c.Value, request[:min(len(request), 80)]}
			r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		}
		next.ServeHTTP(w, r)
	})
}

func (j *journal) add(ctx context.Context, e gate.Event) {
	v, _ := ctx.Value(visitKey{}).(visit)
	row := entry{At: time.Now().UTC(), Request: v.request, Name: e.Name}
	if e.Token != nil {
		row.Type, row.Location = e.Token.Type, e.Token.Location()
	}
	if e.Err != nil {
		row.Error = e.Err.Error()
	}
	if refused := (*gate.Error)(nil); errors.As(e.Err, &refused) {
		row.Reason, row.Location = refused.Reason, refused.Location
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	list, known := j.entries[v.viewer]
	if !known {
		return
	}
	row.N = 1
	if len(list) > 0 {
		row.N = list[len(list)-1].N + 1
	}
	j.entries[v.viewer] = append(list[max(0, len(list)-maxEntries+1):], row)
}

// after returns the entries of a viewer after number n.
func (j *journal) after(viewer string, n int) (list []entry, known bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	all, known := j.entries[viewer]
	list = make([]entry, 0, len(all))
	for _, e := range all {
		if e.N > n {
			list = append(list, e)
		}
	}
	return list, known
}

// admit makes a new viewer. The oldest ones are forgotten.
func (j *journal) admit() (viewer string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.viewers) == maxViewers {
		delete(j.entries, j.viewers[0])
		j.viewers = j.viewers[1:]
	}
	viewer = rand.Text()
	j.viewers, j.entries[viewer] = append(j.viewers, viewer), nil
	return viewer
}

// events answers with the events of the browser that asks, and gives a new one its cookie.
func (j *journal) events(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("after")) // 0: all
	viewer := ""
	if c, err := r.Cookie(viewerName); err == nil {
		viewer = c.Value
	}
	list, known := j.after(viewer, n)
	if !known {
		http.SetCookie(w, &http.Cookie{Name: viewerName, Value: j.admit(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	writeJSON(w, http.StatusOK, map[string]any{"events": list, "new": !known})
}
