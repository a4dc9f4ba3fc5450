package gate

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// RedirectErrors returns a Config.OnError for a site with pages. It redirects a browser
// that opens a page to the URL login (303) if a login helps: there is no token, or the
// token is expired, revoked, invalid, of the wrong type or not fresh, or its user does not
// exist. It answers every other request and error with api (nil: JSONErrors("msg")). The
// page login is never redirected. It is a path that begins with a slash, or a URL with a
// host; with any other text nothing is redirected.
//
// If login has no host, RedirectErrors adds the parameter "next" to it: path and query of
// the page that the user wanted. After the login redirect to
//
//	gate.LocalURL(r.FormValue("next"), "/")
//
// since anybody can make a link to the login page with any "next". It is not added for
// requests other than GET, for a page whose URL has a token, for a page that LocalURL does
// not take, and if login has a "next" of its own.
func RedirectErrors(login string, api func(http.ResponseWriter, *http.Request, error)) func(http.ResponseWriter, *http.Request, error) {
	if api == nil {
		api = JSONErrors("msg")
	}
	target, err := url.Parse(login)
	bad := err != nil || target.Host == "" && !strings.HasPrefix(target.Path, "/")
	return func(w http.ResponseWriter, r *http.Request, err error) {
		if r == nil || bad || !opensPage(r) || !loginHelps(err) || isPage(target, r) {
			api(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, withNext(*target, r, err), http.StatusSeeOther)
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

// requested returns path and query that the browser asked for. r.URL may have less, after
// http.StripPrefix.
func requested(r *http.Request) string { return cmp.Or(r.RequestURI, r.URL.RequestURI()) }

// isPage reports whether r is for the page login itself.
func isPage(login *url.URL, r *http.Request) bool {
	page := r.URL
	if u, err := url.ParseRequestURI(requested(r)); err == nil {
		page = u
	}
	path := strings.Trim(page.Path, "/")
	return path == strings.Trim(login.Path, "/") && (path != "" || login.Host == "")
}

// withNext returns the URL of the login page with the way back, if there is one.
func withNext(login url.URL, r *http.Request, err error) string {
	next := LocalURL(requested(r), "")
	if next == "" || r.Method != http.MethodGet || tokenInURL(next, err) || login.Host != "" || login.Query().Has("next") {
		return login.String()
	}
	if login.RawQuery != "" {
		login.RawQuery += "&"
	}
	login.RawQuery += "next=" + url.QueryEscape(next)
	return login.String()
}

// tokenInURL reports whether the refused token was in the URL, or another text that begins
// as a token does.
func tokenInURL(text string, err error) bool {
	var e *Error
	return strings.Contains(text, "eyJ") || errors.As(err, &e) && e.Kind != ErrMissing && (e.Location == "query" || e.Location == "path")
}

// LocalURL returns next if it is a URL of this site without scheme and host, such as
// "/account?tab=2", and fallback otherwise. Use it for a redirect to a URL that came in a
// request, so that a link to your site cannot lead to another one. It takes no URL that a
// browser, a proxy or a router could read as one of another host: neither "//other" nor
// "/\other", also not escaped, once or more; none with control characters or the segments
// "." and ".." in its path; and none over 2,048 bytes. Characters that belong escaped are
// escaped in the result.
func LocalURL(next, fallback string) string {
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || !localPath(u.Path) {
		return fallback
	}
	if next = u.String(); len(next) > maxNext {
		return fallback
	}
	return next
}

const (
	maxNext    = 2048 // escaped in the URL of a login page, it still fits into what servers take
	maxEscapes = 5    // no page is escaped more often
)

// localPath reports whether a path stays one of this site, however often it is unescaped.
func localPath(path string) bool {
	for range maxEscapes {
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) || strings.ContainsFunc(path, unicode.IsControl) {
			return false
		}
		if slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "." || s == ".." }) {
			return false
		}
		plain, err := url.PathUnescape(path)
		if err != nil || plain == path {
			return true
		}
		path = plain
	}
	return false
}
