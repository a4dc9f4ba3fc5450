//go:build unix

package browser_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// TestGuidePage opens the page of docs/spa.md, logs in, reloads, and logs out in another tab.
func TestGuidePage(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/spa.md")
	if err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile("(?s)```html\n(.*?)```").FindSubmatch(guide)
	if page == nil {
		t.Fatal("docs/spa.md has no page")
	}
	s := newSite(t, gate.Cookies{Refresh: gate.CookieNames{Path: "/auth/"}}, session.Split)
	mux := http.NewServeMux()
	mux.Handle("/", s.mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page[1])
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		var c struct{ Name, Password string }
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil || c.Password != "right" {
			http.Error(w, "wrong name or password", http.StatusUnauthorized)
			return
		}
		pair, err := s.sessions.Start(r.Context(), c.Name, session.Login{Device: session.DeviceOf(gate.HTTPRequest(r))})
		if err != nil {
			s.gate.WriteError(w, r, err)
			return
		}
		s.sessions.Write(w, r, pair)
	})
	url := serveTLS(t, mux)(app)

	tab := newProfile(t)
	const (
		loggedIn  = `document.getElementById("who").textContent.includes("alice") && document.querySelectorAll("li").length === 1 && document.forms[0].hidden`
		loggedOut = `document.getElementById("who").textContent === "you are not logged in" && !document.forms[0].hidden && document.querySelectorAll("li").length === 0`
	)
	enter := func(field, text string) chromedp.Action[chromedp.Void] {
		return chromedp.SendKeys(chromedp.CSS(`[name="`+field+`"]`), text)
	}
	visit(t, tab, url)
	waitFor(t, tab, loggedOut)
	checkAccessible(t, tab)
	do(t, tab, enter("name", "alice"), enter("password", "wrong\r"))
	waitFor(t, tab, `document.getElementById("who").textContent.includes("wrong name or password")`)
	eval[bool](t, tab, `document.forms[0].reset() === undefined`)
	do(t, tab, enter("name", "alice"), enter("password", "right\r"))
	waitFor(t, tab, loggedIn)
	visit(t, tab, url) // again
	waitFor(t, tab, loggedIn)
	checkAccessible(t, tab)
	other := newTab(t, tab)
	visit(t, other, url)
	waitFor(t, other, loggedIn)
	do(t, other, chromedp.Click(chromedp.CSS("#logout")))
	waitFor(t, other, loggedOut)
	waitFor(t, tab, loggedOut)
}
