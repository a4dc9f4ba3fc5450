//go:build unix

package browser_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestDemoAttacks: each attack is refused, and the page says why.
func TestDemoAttacks(t *testing.T) {
	url := startExample(t, "demo")
	for _, tt := range []struct{ way, attack, want string }{
		{"header", "noCSRF", "Nothing to attack here"},
		{"header", "tampered", "Refused: 401 signature."},
		{"header", "wrongType", "Refused: 401 access_wanted."},
		{"header", "replay", "Refused: 401 refresh_reused."},
		{"cookie", "noCSRF", "Refused: 403 csrf_missing."},
		{"cookie", "tampered", "Refused: 401 signature."},
		{"cookie", "wrongType", "Not possible here"},
		{"split", "noCSRF", "Refused: 403 csrf_missing."},
		{"split", "replay", "Not possible here"},
	} {
		t.Run(tt.way+"/"+tt.attack, func(t *testing.T) {
			tab := visitDemo(t, url)
			demoLogin(t, tab, tt.way)
			click(t, tab, `[data-attack=`+tt.attack+`]`)
			got := eval[string](t, tab, `document.querySelector("[data-attack=`+tt.attack+`]").closest("li").querySelector(".result").textContent`)
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("the page says %q, want %q", got, tt.want)
			}
			if tt.attack == "replay" && tt.way == "header" {
				wantIn(t, tab, "#status", "The session was ended")
				wantAnswer(t, tab, "/me", "401")
			} else {
				wantAnswer(t, tab, "/me", "200")
			}
		})
	}
}

// TestDemoForms: a form of another origin and one of another site end no session.
func TestDemoForms(t *testing.T) {
	url := startExample(t, "demo")
	tab := visitDemo(t, url)
	demoLogin(t, tab, "cookie")
	for button, want := range map[string]string{"port": "Refused: 403 csrf_origin.", "site": "Refused: 401 No token was sent"} {
		click(t, tab, `[data-evil=`+button+`]`)
		pressInFrame(t, tab)
		wantIn(t, tab, "#evil-result", "efused")
		if got := text(t, tab, "#evil-result"); !strings.HasPrefix(got, want) {
			t.Errorf("the form of another %s: %q, want %q", button, got, want)
		}
		wantAnswer(t, tab, "/me", "200")
	}
}

// pressInFrame presses the attacker's button with the mouse until there is an answer, since
// no script of the page reaches into the frame.
func pressInFrame(t *testing.T, tab context.Context) {
	t.Helper()
	waitFor(t, tab, `document.getElementById("evil").contentDocument === null`) // the attacker's page is there
	const answered = `document.getElementById("evil").contentDocument !== null`
	for range 100 {
		at := eval[[]float64](t, tab, `(() => {
			const frame = document.getElementById("evil");
			frame.scrollIntoView({ block: "center", behavior: "instant" });
			const { x, y } = frame.getBoundingClientRect();
			return [x, y];
		})()`)
		do(t, tab, chromedp.MouseClickXY(at[0]+50, at[1]+75))
		if eval[bool](t, tab, `new Promise((done) => setTimeout(() => done(`+answered+`), 200))`) {
			return
		}
	}
	t.Fatal("the attacker's form is not sent")
}
