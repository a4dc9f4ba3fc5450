//go:build unix

package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestExamplePages follows a user of examples/pages, with keys and mouse only.
func TestExamplePages(t *testing.T) {
	site := startExample(t, "pages", "-insecure-cookies")
	tab := newProfile(t)
	enter := func(field, text string) chromedp.Action[chromedp.Void] {
		return chromedp.SendKeys(chromedp.CSS(`[name="`+field+`"]`), text)
	}
	visit(t, tab, site+"/?from=mail")
	waitFor(t, tab, `location.pathname === "/login"`)
	look(t, tab, "pages-login")
	do(t, tab, enter("name", "alice"), enter("password", "wrong\r"))
	waitFor(t, tab, `document.body.innerText.includes("Wrong name or password")`)
	look(t, tab, "pages-refused")
	do(t, tab, enter("name", "alice"), enter("password", "correct horse\r"))
	waitFor(t, tab, `location.search === "?from=mail" && document.body.innerText.includes("Hello, alice")`)
	do(t, tab, enter("note", "buy milk\r"))
	waitFor(t, tab, `document.body.innerText.includes("buy milk")`)

	picture := filepath.Join(t.TempDir(), "cat.png")
	if err := os.WriteFile(picture, make([]byte, 300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, tab, chromedp.SetUploadFiles(chromedp.CSS(`[name="picture"]`), []string{picture}), chromedp.Click(chromedp.CSS(`[action="/pictures"] button`)))
	waitFor(t, tab, `document.body.innerText.includes("picture cat.png, 300000 bytes")`)
	look(t, tab, "pages-home")

	do(t, tab, chromedp.Click(chromedp.CSS(`[action="/logout"] button`)))
	waitFor(t, tab, `location.pathname === "/login"`)
	eval[int](t, tab, `globalThis.left = true, setTimeout(() => history.back()), 0`)
	waitFor(t, tab, `!globalThis.left && document.readyState === "complete" && document.body !== null`)
	if got := eval[string](t, tab, "document.body.innerText"); strings.Contains(got, "milk") {
		t.Errorf("after the logout the back button shows %q", got)
	}
}

// look checks a page and takes pictures of it, on a phone and on a desktop.
func look(t testing.TB, tab context.Context, name string) {
	t.Helper()
	for _, width := range []int64{phone, desktop} {
		screenshot(t, tab, name, width, "light")
		checkAccessible(t, tab)
	}
}
