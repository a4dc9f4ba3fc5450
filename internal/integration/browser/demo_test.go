//go:build unix

package browser_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	logs "github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// demoBinary builds examples/demo once.
var demoBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "demo"), ".")
	build.Dir, build.Env = "../../../examples/demo", append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return filepath.Join(dir, "demo"), nil
})

// startDemo starts the demo, and returns the address that it prints first.
func startDemo(t *testing.T) string {
	t.Helper()
	binary, err := demoBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-addr", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(line, "Open ")
	url, _, ok := strings.Cut(after, " ")
	if !ok {
		t.Fatalf("the demo prints %q first, not its address", line)
	}
	return url
}

// visitDemo opens the page in a profile of its own. What the browser logs as an error, such
// as something that the Content-Security-Policy refuses, fails the test; an answer like 401
// does not.
func visitDemo(t *testing.T, url string) context.Context {
	t.Helper()
	tab := newProfile(t)
	err := chromedp.Listen(tab, func(ev any) {
		switch e := ev.(type) {
		case *logs.EventEntryAdded:
			if e.Entry.Level == logs.EntryLevelError && e.Entry.Source != logs.EntrySourceNetwork {
				t.Errorf("the browser logs: %s (%s)", e.Entry.Text, e.Entry.Source)
			}
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				t.Errorf("the console has: %s", e.Args[0].Value)
			}
		}
	})
	if err == nil {
		_, err = chromedp.Call(tab, logs.Enable, cdp.Empty{})
	}
	if err != nil {
		t.Fatal(err)
	}
	visit(t, tab, url)
	waitReady(t, tab)
	return tab
}

func waitReady(t *testing.T, tab context.Context) {
	t.Helper()
	waitFor(t, tab, `document.body.dataset.ready === "yes"`)
}

// click clicks an element that a user can see, and waits until its work is done.
func click(t *testing.T, tab context.Context, selector string) {
	t.Helper()
	waitFor(t, tab, `(() => { const e = document.querySelector(`+quote(selector)+`); return e !== null && e.checkVisibility(); })()`)
	eval[bool](t, tab, `document.querySelector(`+quote(selector)+`).click() ?? true`)
	waitFor(t, tab, `document.querySelector("[aria-busy=true]") === null`)
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// text returns what an element says.
func text(t *testing.T, tab context.Context, selector string) string {
	t.Helper()
	return eval[string](t, tab, `document.querySelector(`+quote(selector)+`).textContent`)
}

// wantIn waits until an element says something.
func wantIn(t *testing.T, tab context.Context, selector, want string) {
	t.Helper()
	waitFor(t, tab, `document.querySelector(`+quote(selector)+`).textContent.includes(`+quote(want)+`)`)
}

// demoLogin signs up and logs in, with the tokens travelling in a way.
func demoLogin(t *testing.T, tab context.Context, way string) {
	t.Helper()
	click(t, tab, `[name=mode][value=`+way+`]`)
	click(t, tab, "#signup")
	wantIn(t, tab, "#status", "Logged in as demo-")
}

// call presses the button of a route, and returns request and answer.
func call(t *testing.T, tab context.Context, route string) (request, answer string) {
	t.Helper()
	click(t, tab, `[data-route="`+route+`"]`)
	return text(t, tab, "#call-request"), text(t, tab, "#call-answer")
}

func wantAnswer(t *testing.T, tab context.Context, route, want string) {
	t.Helper()
	if request, answer := call(t, tab, route); !strings.HasPrefix(answer, want) {
		t.Errorf("%s is answered with\n%s\nwant %s", request, answer, want)
	}
}

// TestDemoByKeyboard: a newcomer who uses the keyboard alone logs in and calls a route.
func TestDemoByKeyboard(t *testing.T) {
	tab := visitDemo(t, startDemo(t))
	press := func(keys string) { t.Helper(); do(t, tab, chromedp.KeyEvent(keys)) }
	focus := func() string {
		return eval[string](t, tab, `document.activeElement.id || document.activeElement.name || document.activeElement.textContent`)
	}
	reach := func(want string) {
		t.Helper()
		var passed []string
		for range 40 {
			press("\t")
			at := focus()
			if outline := eval[string](t, tab, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
				t.Errorf("the focus on %s cannot be seen", at)
			}
			if at == want {
				return
			}
			passed = append(passed, at)
		}
		t.Fatalf("Tab does not reach %s; it passes %q", want, passed)
	}
	press("\t")
	if at := focus(); at != "Skip to the panels" {
		t.Errorf("the first stop is %q, want the link over the navigation", at)
	}
	reach("name")
	reach("password")
	reach("mode")
	reach("signup")
	press("\r")
	wantIn(t, tab, "#status", "Logged in as demo-")
	if at := focus(); at != "status" {
		t.Errorf("after the login the focus is on %q, want the message", at)
	}
	reach("refresh")
	press(" ")
	wantIn(t, tab, "#renew-result", "Both tokens are new")
	if at := focus(); at != "refresh" {
		t.Errorf("after a click the focus is on %q, want it where it was", at)
	}
}

// TestDemoWays: every way in which tokens travel opens and refuses the same routes.
func TestDemoWays(t *testing.T) {
	url := startDemo(t)
	for way, sent := range map[string]string{
		"header": "authorization: Bearer eyJ", "cookie": "x-csrf-token: ", "split": "authorization: Bearer eyJ",
		"query": "?access_token=eyJ", "body": `"access_token":"eyJ`,
	} {
		t.Run(way, func(t *testing.T) {
			tab := visitDemo(t, url)
			wantAnswer(t, tab, "/me", "401")
			wantAnswer(t, tab, "/hello", "200")
			click(t, tab, "[name=scope]")
			demoLogin(t, tab, way)
			eval[string](t, tab, `document.getElementById("method").value = "POST"`)
			if request, answer := call(t, tab, "/me"); !strings.Contains(request, sent) || !strings.HasPrefix(answer, "200") {
				t.Errorf("the request\n%s\nlacks %s, or is refused:\n%s", request, sent, answer)
			}
			for route, want := range map[string]string{"/open": "200", "/hello": "200", "/secrets": "200", "/reports": "200", "/admin": "403"} {
				wantAnswer(t, tab, route, want)
			}
			click(t, tab, "#admin")
			wantIn(t, tab, "#event-list", "POST /role")
			wantAnswer(t, tab, "/admin", "200")
			click(t, tab, "#refresh")
			wantIn(t, tab, "#renew-result", "Both tokens are new")
			wantAnswer(t, tab, "/secrets", "401")
			click(t, tab, "#confirm-form button")
			wantIn(t, tab, "#renew-result", "fresh for 30 seconds")
			wantAnswer(t, tab, "/secrets", "200")
			click(t, tab, "#anonymous")
			wantAnswer(t, tab, "/me", "401")
			click(t, tab, "#anonymous")
			if html := eval[string](t, tab, `document.body.innerText`); strings.Count(html, "eyJ") > 0 && longToken(html) {
				t.Error("the page shows a whole token")
			}
			click(t, tab, "#logout .logout-here")
			wantIn(t, tab, "#status", "logged out")
			wantAnswer(t, tab, "/me", "401")
			if left := cookieNames(t, tab, url); slices.Contains(left, "access_token_cookie") || slices.Contains(left, "refresh_token_cookie") {
				t.Errorf("after the logout the browser has %q", left)
			}
		})
	}
}

// longToken reports whether a text has a word that is as long as a token.
func longToken(text string) bool {
	return slices.ContainsFunc(strings.Fields(text), func(w string) bool { return strings.HasPrefix(w, "eyJ") && len(w) > 100 })
}

func cookieNames(t *testing.T, tab context.Context, url string) (names []string) {
	t.Helper()
	for _, c := range cookies(t, tab, url, url+"/web/") {
		names = append(names, c.Name)
	}
	return names
}

// TestDemoTokens: the page shows both tokens decoded, also those that it cannot read, and
// counts down. A login in cookies survives a reload.
func TestDemoTokens(t *testing.T) {
	url := startDemo(t)
	for way, survives := range map[string]bool{"header": false, "cookie": true, "split": true} {
		t.Run(way, func(t *testing.T) {
			tab := visitDemo(t, url)
			demoLogin(t, tab, way)
			for selector, want := range map[string]string{"#access-text": `"type": "access"`, "#refresh-text": `"type": "refresh"`, "#refresh-clock": "days"} {
				wantIn(t, tab, selector, want)
			}
			before := text(t, tab, "#access-clock")
			waitFor(t, tab, `document.getElementById("access-clock").textContent < `+quote(before))
			wantIn(t, tab, "#bar-fresh", "0:")
			readable := eval[string](t, tab, "document.cookie")
			if strings.Contains(readable, "eyJ") {
				t.Errorf("scripts can read a token: %s", readable)
			}
			for _, c := range cookies(t, tab, url, url+"/web/") {
				if strings.HasSuffix(c.Name, "_token_cookie") && !c.HTTPOnly {
					t.Errorf("%s is not HttpOnly", c.Name)
				}
			}
			name := text(t, tab, "#in-name")
			visit(t, tab, url)
			waitReady(t, tab)
			if got := text(t, tab, "#in-name"); (got == name) != survives {
				t.Errorf("after a reload %q is logged in, and it was %q; want it to survive: %v", got, name, survives)
			}
		})
	}
}

// TestDemoExpiry: a call whose token has expired is refreshed, once the page may.
func TestDemoExpiry(t *testing.T) {
	url := startDemo(t)
	for _, way := range []string{"header", "split"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			tab := visitDemo(t, url)
			// The shortest life that the demo grants; the page offers longer ones.
			eval[bool](t, tab, `(document.querySelector("[name=access_seconds]").append(new Option("10", "10", true, true)), true)`)
			demoLogin(t, tab, way)
			click(t, tab, "#auto")
			wantIn(t, tab, "#access-clock", "over")
			wantAnswer(t, tab, "/me", "401")
			click(t, tab, "#auto")
			wantAnswer(t, tab, "/me", "200")
			wantIn(t, tab, "#event-list", "refresh.rotated")
		})
	}
}

// TestDemoAttacks: each attack is refused, and the page says why.
func TestDemoAttacks(t *testing.T) {
	url := startDemo(t)
	for _, tt := range []struct{ way, attack, want string }{
		{"header", "noCSRF", "Nothing to attack here"},
		{"header", "tampered", "Refused: 401 signature."},
		{"header", "wrongType", "Refused: 401 access_wanted."},
		{"header", "replay", "Refused: 401 refresh.reuse_detected."},
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
	url := startDemo(t)
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

// TestDemoDevices: sessions on other devices are listed and ended, and a logout everywhere
// reaches another browser.
func TestDemoDevices(t *testing.T) {
	url := startDemo(t)
	here, there := visitDemo(t, url), visitDemo(t, url)
	demoLogin(t, here, "cookie")
	click(t, here, "#another-form button")
	wantIn(t, here, "#devices-result", "Phone is logged in")
	wantIn(t, here, "#device-list", "Phone")
	click(t, here, `[aria-label="End the session Phone"]`)
	wantIn(t, here, "#devices-result", "Phone is logged out")
	if list := text(t, here, "#device-list"); strings.Contains(list, "Phone") || !strings.Contains(list, "this one") {
		t.Errorf("the list is %q, want this browser alone", list)
	}

	name, password := text(t, here, "#in-name"), eval[string](t, here, `document.querySelector("#login-form [name=password]").value`)
	fill := `Object.assign(document.getElementById("login-form").elements.%s, { value: %q }).value`
	for field, value := range map[string]string{"name": name, "password": password, "device": "Second browser"} {
		eval[string](t, there, fmt.Sprintf(fill, field, value))
	}
	click(t, there, "#login-only")
	wantIn(t, there, "#status", "Logged in as "+name)
	click(t, here, "#reload-devices")
	wantIn(t, here, "#device-list", "Second browser")
	click(t, here, "#logout-others")
	wantIn(t, here, "#logout-result", "Your other devices are logged out")
	wantAnswer(t, there, "/me", "401")
	wantIn(t, there, "#status", "logged out")

	click(t, there, "#login-only")
	wantIn(t, there, "#status", "Logged in as "+name)
	click(t, there, "#logout-all")
	wantIn(t, there, "#status", "logged out")
	wantAnswer(t, here, "/me", "401")
	wantIn(t, here, "#status", "logged out")
}

// TestDemoTabs: a logout in one tab ends the other, and a login reaches it.
func TestDemoTabs(t *testing.T) {
	url := startDemo(t)
	first := visitDemo(t, url)
	second := newTab(t, first)
	visit(t, second, url)
	waitReady(t, second)
	demoLogin(t, first, "split")
	wantIn(t, second, "#status", "Logged in as "+text(t, first, "#in-name"))
	click(t, first, "#logout .logout-here")
	wantIn(t, second, "#status", "Another tab has logged out")
}

// TestDemoKeys: the key is replaced while a user is logged in.
func TestDemoKeys(t *testing.T) {
	tab := visitDemo(t, startDemo(t))
	demoLogin(t, tab, "header")
	wantIn(t, tab, "#access-text", `"kid": "first"`)
	click(t, tab, "#rotate")
	wantIn(t, tab, "#keys-result", "still works")
	wantIn(t, tab, "#key-list", "retiring")
	wantAnswer(t, tab, "/me", "200")
	click(t, tab, "#refresh")
	wantIn(t, tab, "#access-text", `"kid": "key-`)
	wantAnswer(t, tab, "/me", "200")
}

// TestDemoEvents: the log shows what this browser does, and nothing of another one.
func TestDemoEvents(t *testing.T) {
	url := startDemo(t)
	tab, other := visitDemo(t, url), visitDemo(t, url)
	demoLogin(t, tab, "query")
	wantIn(t, tab, "#event-list", "session.started")
	click(t, tab, "[data-attack=tampered]")
	wantIn(t, tab, "#event-list", "token.refused signature")
	if list := text(t, tab, "#event-list"); strings.Contains(list, "eyJ") {
		t.Errorf("the events show a token: %s", list)
	}
	wantAnswer(t, other, "/open", "200") // which reads the events
	if list := text(t, other, "#event-list"); list != "" {
		t.Errorf("another browser sees %s", list)
	}
}

// TestDemoPolicy: the browser refuses scripts and styles that the page did not bring.
func TestDemoPolicy(t *testing.T) {
	tab := newProfile(t)
	visit(t, tab, startDemo(t))
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
	tab := visitDemo(t, startDemo(t))
	look := func(name string) {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{phone, desktop} {
				screenshot(t, tab, name, width, scheme)
			}
			checkAccessible(t, tab)
		}
	}
	look("demo-out")
	demoLogin(t, tab, "cookie")
	call(t, tab, "/admin")
	click(t, tab, "#another-form button")
	for _, attack := range []string{"noCSRF", "tampered", "wrongType"} {
		click(t, tab, "[data-attack="+attack+"]")
	}
	click(t, tab, "#rotate")
	look("demo-in")
	for _, width := range []int64{phone, desktop} {
		for _, scheme := range []string{"light", "dark"} {
			resize(t, tab, width, scheme)
			for _, id := range eval[[]string](t, tab, `[...document.querySelectorAll("section")].map((s) => s.id)`) {
				picture(t, tab, id, fmt.Sprintf("demo-%s-%d-%s.png", id, width, scheme))
			}
		}
	}
	eval[int](t, tab, `[...document.querySelectorAll("details")].map((d) => d.open = true).length`)
	look("demo-code")
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
