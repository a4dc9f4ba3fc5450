//go:build unix

package browser_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/jwtgate/gate"
)

// TestNoOpenRedirect tries every URL of up to three pieces, and a slash, before a host. Many lead the
// browser to that host. None of those that gate.LocalURL takes does, neither in a link nor
// as http.Redirect sends it.
func TestNoOpenRedirect(t *testing.T) {
	tab := newProfile(t)
	visit(t, tab, newPages(t, gate.Cookies{}).url(app)+"/page")
	pieces := []string{"/", `\`, "\t", "\n", "\x00", " ", "%2f", "%5C", "%09", "%25", "https:", "x", "@", ":", ".", "..", "?", "#", ";", "ä", "／", "%2e"}
	all := []string{"evil.example"}
	for range 3 {
		for _, s := range slices.Clone(all) {
			for _, piece := range pieces {
				all = append(all, piece+s)
			}
		}
		slices.Sort(all)
		all = slices.Compact(all)
	}
	for _, s := range slices.Clone(all) {
		all = append(all, "/"+s)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	var taken []string
	for _, s := range all {
		if local := gate.LocalURL(s, ""); local != "" {
			w := httptest.NewRecorder()
			http.Redirect(w, httptest.NewRequest("GET", "/login", nil), local, http.StatusSeeOther)
			taken = append(taken, local, w.Header().Get("Location"))
		}
	}
	const elsewhere = `.filter(s => {
		try {
			const u = new URL(s, location.href);
			return u.origin !== location.origin || /^\/[\/\\]/.test(u.pathname);
		} catch {
			return false; // leads nowhere
		}
	})`
	list := func(s []string) string {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + elsewhere
	}
	attacks := eval[int](t, tab, list(all)+".length")
	if bad := eval[[]string](t, tab, list(taken)+".slice(0, 10)"); len(bad) > 0 {
		t.Errorf("LocalURL takes URLs that lead elsewhere, such as %q", bad)
	}
	t.Logf("%d URLs, of which %d lead elsewhere; LocalURL takes %d", len(all), attacks, len(taken)/2)
	if attacks < 500 || len(taken) < 1000 {
		t.Error("these are too few to show anything")
	}
}
