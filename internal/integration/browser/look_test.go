//go:build unix

package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/jwtgate/gate/internal/integration/servers"
)

// The widths that pages are looked at.
const phone, desktop = 390, 1280

// resize gives a tab the width of a screen, and a color scheme: "light" or "dark".
func resize(t testing.TB, tab context.Context, width int64, scheme string) {
	t.Helper()
	metrics := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width == phone}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, metrics); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
}

// screenshot writes a picture of the whole page to name-width-scheme.png, in the folder
// $SCREENSHOTS or in one that is removed with the test. It fails if a part of the page is
// beyond the right edge of the screen.
func screenshot(t testing.TB, tab context.Context, name string, width int64, scheme string) {
	t.Helper()
	resize(t, tab, width, scheme)
	if wide := tooWide(t, tab); len(wide) > 0 {
		t.Errorf("%s at %d pixels: beyond the right edge: %s", name, width, strings.Join(wide, ", "))
	}
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// tooWide returns the elements that make the page wider than the screen.
func tooWide(t testing.TB, tab context.Context) []string {
	t.Helper()
	return eval[[]string](t, tab, `(() => {
		const edge = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= edge) return [];
		return [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > edge + 1)
			.map((e) => e.tagName.toLowerCase() + (e.id && "#" + e.id)).slice(0, 10);
	})()`)
}

// violation is a rule of accessibility that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		Target         []string
		FailureSummary string
	}
}

// violations returns the serious and critical ones that axe-core finds.
func violations(t testing.TB, tab context.Context) []violation {
	t.Helper()
	axe, err := os.ReadFile(servers.Need(t, "../clients/node/node_modules/axe-core/axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	do(t, tab, chromedp.Evaluate[chromedp.Void](string(axe)))
	all := eval[[]violation](t, tab, `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map(
		({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map(({ target, failureSummary }) => ({ target: target.map(String), failureSummary })) })))`)
	return slices.DeleteFunc(all, func(v violation) bool { return v.Impact != "serious" && v.Impact != "critical" })
}

// checkAccessible fails the test if the page of a tab breaks a rule of accessibility,
// such as a field without a label or text of too little contrast.
func checkAccessible(t testing.TB, tab context.Context) {
	t.Helper()
	for _, v := range violations(t, tab) {
		for _, n := range v.Nodes {
			t.Errorf("%s: %s (%s, %s): %s\n%s", eval[string](t, tab, "location.pathname"), v.Help, v.ID, v.Impact, strings.Join(n.Target, " "), n.FailureSummary)
		}
	}
}
