//go:build unix

package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recorder is a test whose errors are not its own.
type recorder struct {
	testing.TB
	errors chan string
}

func (r recorder) Errorf(format string, args ...any) { r.errors <- fmt.Sprintf(format, args...) }

// TestFailedScript: an error that no script of the page catches is an error of the test.
func TestFailedScript(t *testing.T) {
	r := recorder{t, make(chan string, 1)}
	tab := newProfile(r)
	eval[int](t, tab, `setTimeout(() => { throw new Error("uncaught") }), 0`)
	select {
	case got := <-r.errors:
		if !strings.Contains(got, "uncaught") {
			t.Errorf("the error is %q", got)
		}
	case <-time.After(patience):
		t.Error("the error of a script was not seen")
	}
}

// TestHarness: the checks of this package find what they are for.
func TestHarness(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/good", page(`<main><h1>Good</h1><label>Name <input name="name"></label></main>`))
	mux.Handle("/bad", page(`<main><h1>Bad</h1><input name="name"><div style="width: 2000px">wide</div></main>`))
	origin := serveTLS(t, mux)("app.example.com")
	dir := t.TempDir()
	t.Setenv("SCREENSHOTS", dir)

	tab := newProfile(t)
	visit(t, tab, origin+"/good")
	screenshot(t, tab, "good", phone, "dark")
	checkAccessible(t, tab)
	if !eval[bool](t, tab, `matchMedia("(prefers-color-scheme: dark)").matches && innerWidth === 390 && isSecureContext`) {
		t.Error("the tab is no phone in dark colors")
	}
	if info, err := os.Stat(filepath.Join(dir, "good-390-dark.png")); err != nil || info.Size() < 1000 {
		t.Errorf("the picture: %v, %v", info, err)
	}

	eval[int](t, tab, `setTimeout(() => location.assign("/bad"), 20)`)
	waitFor(t, tab, `document.querySelector("h1").textContent === "Bad"`)
	if got := violations(t, tab); len(got) != 1 || got[0].ID != "label" {
		t.Errorf("violations of a field without a label: %+v", got)
	}
	if got := tooWide(t, tab); len(got) != 1 || got[0] != "div" {
		t.Errorf("too wide: %q", got)
	}

	// Tabs of one profile share cookies, and profiles do not.
	eval[string](t, tab, `document.cookie = "a=b"`)
	other, stranger := newTab(t, tab), newProfile(t)
	for where, want := range map[string]string{"another tab": "a=b", "another profile": ""} {
		ctx := other
		if want == "" {
			ctx = stranger
		}
		visit(t, ctx, origin+"/good")
		if got := eval[string](t, ctx, "document.cookie"); got != want {
			t.Errorf("cookies in %s: %q, want %q", where, got, want)
		}
	}
}
