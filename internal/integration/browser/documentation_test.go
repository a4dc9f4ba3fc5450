//go:build unix

package browser_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestDocumentation: the site of the documentation opens from disk, is found through by its
// search and by keyboard, and can be read on a phone and in the dark.
func TestDocumentation(t *testing.T) {
	dir := t.TempDir()
	render := exec.Command("go", "run", ".", "-o", dir)
	render.Dir = "../../site"
	render.Env = append(os.Environ(), "GOWORK=off")
	if out, err := render.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tab := newProfile(t)
	site := "file://" + dir + "/"
	for _, page := range []string{"index.html", "docs/sessions.html", "pkg/keys/index.html", "src/policy.go.html"} {
		visit(t, tab, site+page)
		name := "site-" + strings.NewReplacer("/", "-", ".html", "").Replace(page)
		screenshot(t, tab, name, phone, "dark")
		checkAccessible(t, tab)
		screenshot(t, tab, name, desktop, "light")
		checkAccessible(t, tab)
	}
	if !eval[bool](t, tab, `getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`) {
		t.Error("the page is not light")
	}

	visit(t, tab, site+"docs/keys.html")
	const slash = `document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }))`
	eval[bool](t, tab, slash)
	do(t, tab, chromedp.KeyEvent("policy fresh"))
	waitFor(t, tab, `document.activeElement.id === "query" && document.querySelectorAll("#results a").length > 1`)
	do(t, tab, chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowUp))
	waitFor(t, tab, `document.querySelector("[aria-selected=true]")?.id === "result-0"`)
	checkAccessible(t, tab)
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	waitFor(t, tab, `location.pathname.endsWith("/pkg/index.html") && location.hash === "#Policy" && document.readyState === "complete"`)

	eval[bool](t, tab, slash)
	do(t, tab, chromedp.KeyEvent("no page has thisword"))
	waitFor(t, tab, `document.querySelector("#results").hidden && document.querySelector("#found").textContent === "0 results"`)
	do(t, tab, chromedp.KeyEvent(kb.Escape))
	waitFor(t, tab, `document.querySelector("#query").value === "" && document.querySelector("#found").textContent === ""`)
}
