//go:build unix

package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestDemoPolicy: the browser refuses scripts and styles that the page did not bring.
func TestDemoPolicy(t *testing.T) {
	tab := newProfile(t)
	visit(t, tab, startExample(t, "demo"))
	for _, html := range []string{`<p style='color: red'>`, `<img src=x onerror='document.title = "bad"'>`, `<img src='https://app.example.com/x.png'>`} {
		got := eval[string](t, tab, `new Promise((done) => {
			addEventListener("securitypolicyviolation", (e) => done(e.violatedDirective), { once: true });
			document.body.insertAdjacentHTML("beforeend", `+quote(html)+`);
		})`)
		if got == "" || eval[string](t, tab, "document.title") == "bad" {
			t.Errorf("%s is not refused: %q", html, got)
		}
	}
}

// TestDemoLook writes a picture of each panel on a phone and on a desktop, in light and in
// dark colors, and asks axe-core about the page before and after a login.
func TestDemoLook(t *testing.T) {
	tab := visitDemo(t, startExample(t, "demo"))
	lookAt := func(name string) {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{phone, desktop} {
				screenshot(t, tab, name, width, scheme)
			}
			checkAccessible(t, tab)
		}
	}
	lookAt("demo-out")
	demoLogin(t, tab, "cookie")
	call(t, tab, "/admin")
	click(t, tab, "#another-form button")
	for _, attack := range []string{"noCSRF", "tampered", "wrongType"} {
		click(t, tab, "[data-attack="+attack+"]")
	}
	click(t, tab, "#rotate")
	lookAt("demo-in")
	for _, width := range []int64{phone, desktop} {
		for _, scheme := range []string{"light", "dark"} {
			resize(t, tab, width, scheme)
			for _, id := range eval[[]string](t, tab, `[...document.querySelectorAll("section")].map((s) => s.id)`) {
				picture(t, tab, id, fmt.Sprintf("demo-%s-%d-%s.png", id, width, scheme))
			}
		}
	}
	eval[int](t, tab, `[...document.querySelectorAll("details")].map((d) => d.open = true).length`)
	lookAt("demo-code")
	resize(t, tab, 360, "light")
	if wide := tooWide(t, tab); len(wide) > 0 {
		t.Errorf("at 360 pixels: beyond the right edge: %q", wide)
	}
}

// picture writes a picture of one panel.
func picture(t *testing.T, tab context.Context, id, name string) {
	t.Helper()
	box := eval[cdppage.Viewport](t, tab, `(() => {
		const { x, y, width, height } = document.getElementById(`+quote(id)+`).getBoundingClientRect();
		return { x: x + scrollX, y: y + scrollY, width, height, scale: 1 };
	})()`)
	beyond := true
	shot, err := chromedp.Call(tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Clip: &box, CaptureBeyondViewport: &beyond})
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(dir, name), shot.Data, 0o644); err != nil {
		t.Fatal(err)
	}
}
