//go:build unix

package browser_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// newPages returns a site of pages and forms: /home shows who is logged in.
func newPages(t testing.TB, cookies gate.Cookies) *site {
	t.Helper()
	cookies.CSRF.Form = true
	s := newSite(t, cookies, session.Cookies)
	member := s.gate.Require(gate.Policy{})
	s.mux.Handle("GET /home", member(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		csrf := s.gate.CSRFInput(r.Context())
		page(`<h1>Hello, `+t.Subject+`</h1>
			<form id="note" method="post" action="/note">`+csrf+`<input name="note"></form>
			<form id="first" method="post" action="/upload" enctype="multipart/form-data">`+csrf+`<input type="file" name="file"></form>
			<form id="last" method="post" action="/upload" enctype="multipart/form-data"><input type="file" name="file">`+csrf+`</form>
			<form id="logout" method="post" action="/leave">`+csrf+`</form>`)(w, r)
	})))
	s.mux.Handle("POST /note", member(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "noted: %s", r.FormValue("note"))
	})))
	s.mux.Handle("POST /upload", member(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, _, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		n, err := io.Copy(io.Discard, f)
		fmt.Fprintf(w, "uploaded: %d %v", n, err)
	})))
	s.mux.HandleFunc("POST /leave", func(w http.ResponseWriter, r *http.Request) {
		cookies, err := s.sessions.Logout(r.Context(), gate.HTTPRequest(r))
		if err != nil {
			s.gate.WriteError(w, r, err)
			return
		}
		gate.SetCookies(w, cookies)
		http.Redirect(w, r, "/page", http.StatusSeeOther)
	})
	return s
}

// logInByForm logs a user in without a script of the page.
func logInByForm(t testing.TB, tab context.Context, s *site, fields map[string]string) {
	t.Helper()
	visit(t, tab, s.url(app)+"/page")
	submit(t, tab, s.url(app)+"/login", fields)
	visit(t, tab, s.url(app)+"/home")
	waitFor(t, tab, `document.body.innerText.includes("Hello, `+fields["name"]+`")`)
}

// send submits a form of the page, and returns the text of the answer.
func send(t testing.TB, tab context.Context, form string) string {
	t.Helper()
	before := eval[string](t, tab, "location.href")
	eval[int](t, tab, `document.getElementById("`+form+`").submit(), 0`)
	waitFor(t, tab, fmt.Sprintf(`location.href !== %q && document.readyState === "complete"`, before))
	return eval[string](t, tab, "document.body.innerText")
}

// TestOpenForm: a form that was opened before the access token expired is accepted
// afterwards, with both kinds of renewal.
func TestOpenForm(t *testing.T) {
	for _, tt := range []struct {
		name string
		wrap func(s *site) func(http.Handler) http.Handler
		want string
	}{
		{"Manager.Renew", func(s *site) func(http.Handler) http.Handler { return s.sessions.Renew }, "noted: milk"},
		{"Gate.Renew", func(s *site) func(http.Handler) http.Handler { return s.gate.Renew(gate.RenewOptions{}) }, "noted: milk"},
		{"no renewal", func(*site) func(http.Handler) http.Handler { return nil }, "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newPages(t, gate.Cookies{})
			s.wrap(tt.wrap(s))
			tab := newProfile(t)
			logInByForm(t, tab, s, map[string]string{"name": "alice"})
			other := newTab(t, tab)
			for range 3 { // the user reads other pages meanwhile
				s.clock.Advance(10 * time.Minute)
				visit(t, other, s.url(app)+"/home")
			}
			eval[string](t, tab, `document.forms.note.elements.note.value = "milk"`)
			if got := send(t, tab, "note"); !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestUpload: the CSRF field is found before and behind a file. Behind one that is larger
// than Limits.BodyBytes it is not, and the answer says so.
func TestUpload(t *testing.T) {
	s := newPages(t, gate.Cookies{})
	s.wrap(s.sessions.Renew)
	tab := newProfile(t)
	logInByForm(t, tab, s, map[string]string{"name": "alice"})
	for _, tt := range []struct {
		form string
		size int
		want string
	}{
		{"first", 100_000, "uploaded: 100000 <nil>"},
		{"last", 100_000, "uploaded: 100000 <nil>"},
		{"first", 5_000_000, "uploaded: 5000000 <nil>"},
		{"last", 5_000_000, "CSRF"},
	} {
		s.clock.Advance(time.Hour) // renewed by the upload itself
		visit(t, tab, s.url(app)+"/home")
		s.clock.Advance(time.Hour)
		eval[int](t, tab, fmt.Sprintf(`(() => {
			const files = new DataTransfer();
			files.items.add(new File([new Uint8Array(%d)], "a.png"));
			document.forms[%q].elements.file.files = files.files;
			return 0;
		})()`, tt.size, tt.form))
		if got := send(t, tab, tt.form); !strings.Contains(got, tt.want) {
			t.Errorf("%s, %d bytes: %q, want %q", tt.form, tt.size, got, tt.want)
		}
	}
}

// TestBack: the back button after a logout shows no private page. The browser asks the site,
// which refuses. A page that says itself that the browser may store it is shown.
func TestBack(t *testing.T) {
	for _, tt := range []struct {
		name, cache string
		frozen      bool   // the browser may keep the page as it was (back/forward cache)
		want        string // what the page shows
	}{
		{"as the gate answers", "", true, "missing"},
		{"as the gate answers, without the back/forward cache", "", false, "missing"},
		{"private", "private", true, "Hello, alice"},
		{"private, without the back/forward cache", "private", false, "missing"}, // because of Vary: Cookie
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newPages(t, gate.Cookies{})
			s.wrap(caching("/home", tt.cache))
			tab := newProfile(t)
			logInByForm(t, tab, s, map[string]string{"name": "alice"})
			if !tt.frozen {
				eval[int](t, tab, `addEventListener("unload", () => {}), 0`)
			}
			send(t, tab, "logout")
			back(t, tab, "/home")
			if got := eval[string](t, tab, "document.body.innerText"); !strings.Contains(got, tt.want) {
				t.Errorf("the page shows %q, want %q", got, tt.want)
			}
		})
	}
}

// caching sets Cache-Control for a path, unless it is empty.
func caching(path, value string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path && value != "" {
				w.Header().Set("Cache-Control", value)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// back goes back to the page of a path.
func back(t testing.TB, tab context.Context, path string) {
	t.Helper()
	eval[int](t, tab, `setTimeout(() => history.back()), 0`)
	waitFor(t, tab, fmt.Sprintf(`location.pathname === %q && document.readyState === "complete"`, path))
}

// TestBackKeepsForm: while the user is logged in, what was typed into a form is still there
// after another page.
func TestBackKeepsForm(t *testing.T) {
	s := newPages(t, gate.Cookies{})
	tab := newProfile(t)
	logInByForm(t, tab, s, map[string]string{"name": "alice"})
	eval[string](t, tab, `document.forms.note.elements.note.value = "milk"`)
	eval[int](t, tab, `location.href = "/page", 0`)
	waitFor(t, tab, `location.pathname === "/page" && document.readyState === "complete"`)
	back(t, tab, "/home")
	if got := eval[string](t, tab, "document.forms.note.elements.note.value"); got != "milk" {
		t.Errorf("the form has %q, want milk", got)
	}
}

// TestFilesOfMembers: a file is loaded again for each page, unless it says itself that the
// browser may store it. Then the browser asks with the ETag whether it has changed.
func TestFilesOfMembers(t *testing.T) {
	for cache, want := range map[string]int{"": 0, "private, no-cache": 1} {
		t.Run(cache, func(t *testing.T) {
			s := newPages(t, gate.Cookies{})
			file := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if cache != "" {
					w.Header().Set("Cache-Control", cache)
				}
				w.Header().Set("ETag", `"1"`)
				http.ServeContent(w, r, "file.txt", time.Time{}, strings.NewReader("a file"))
			})
			s.mux.Handle("GET /file", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				s.gate.Require(gate.Policy{})(file).ServeHTTP(rec, r)
				s.count(fmt.Sprint(rec.Code))
				maps.Copy(w.Header(), rec.Header())
				w.WriteHeader(rec.Code)
				_, _ = rec.Body.WriteTo(w)
			}))
			tab := newProfile(t)
			logInByForm(t, tab, s, map[string]string{"name": "alice"})
			for range 2 {
				visit(t, tab, s.url(app)+"/home")
				if got := eval[string](t, tab, `fetch("/file").then(r => r.text())`); got != "a file" {
					t.Errorf("the file is %q", got)
				}
			}
			if got := s.times("304"); got != want || s.times("200") != 2-want {
				t.Errorf("%d answers are 304, want %d", got, want)
			}
		})
	}
}
