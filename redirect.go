package gate

import (
	"net/http"
	"net/url"
	"strings"
)

// RedirectErrors returns a Config.OnError for a site with pages. It redirects a browser
// that opens a page to the URL login (303) if a login helps: there is no token, or the
// token is expired, revoked, invalid, of the wrong type or not fresh, or its user does not
// exist. It answers every other request and error with api (nil: JSONErrors("msg")).
//
// The URL of the page is not added to login, since it may have a token in it or lead to
// another site. To return to the page after login, write an OnError that keeps the URL.
// The page login is never redirected.
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
