//go:build unix

package browser_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	logs "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

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
	tab := visitDemo(t, startExample(t, "demo"))
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
	url := startExample(t, "demo")
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
	url := startExample(t, "demo")
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
	url := startExample(t, "demo")
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

// TestDemoDevices: sessions on other devices are listed and ended, and a logout everywhere
// reaches another browser.
func TestDemoDevices(t *testing.T) {
	url := startExample(t, "demo")
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
	url := startExample(t, "demo")
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
	tab := visitDemo(t, startExample(t, "demo"))
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
	url := startExample(t, "demo")
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
