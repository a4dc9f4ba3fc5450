package gate

import (
	"net/http"
	"net/url"
	"strings"
)

// RedirectErrors returns a Config.OnError for a site with pages: a browser that opens a
// page and has to log in first is sent to the URL login (303), and everything else is
// answered by api (nil: JSONErrors("msg")). To log in helps when there is no token, or
// when it is expired, revoked, invalid, of the wrong type, not fresh or its user is gone;
// it does not help against a missing scope or CSRF value, or while a store is down.
//
// The URL of the page is not added to login, since it may hold a token or lead to
// another site: who wants to return to it keeps it in the OnError of one's own. The
// page login itself is never redirected.
func RedirectErrors(login string, api func(http.ResponseWriter, *http.Request, error)) func(http.ResponseWriter, *http.Request, error) {
	if api == nil {
		api = JSONErrors("msg")
	}
	target, badURL := url.Parse(login)
	return func(w http.ResponseWriter, r *http.Request, err error) {
		if r == nil || login == "" || badURL != nil || r.URL.Path == target.Path || !opensPage(r) || !loginHelps(err) {
			api(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, login, http.StatusSeeOther)
	}
}

// opensPage reports whether a browser shows the answer to r as a page (Fetch Metadata),
// or, for browsers that do not say so, whether r asks for HTML.
func opensPage(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func loginHelps(err error) bool {
	s := refusalOf(err)
	return s != nil && s.status == http.StatusUnauthorized
}
