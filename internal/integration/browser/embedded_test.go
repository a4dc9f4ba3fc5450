//go:build unix

package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// frame is a page that other sites embed. It sends the requests that the page around it
// asks for, and tells that page the status.
const frame = `<h1>A frame</h1><script>
	onmessage = async ({ data: { id, url, init }, source, origin }) => {
		const csrf = document.cookie.match(/csrf_access_token=([^;]+)/)?.[1];
		if (init.method && csrf) init.headers = { "X-CSRF-TOKEN": csrf };
		const { status } = await fetch(url, init);
		source.postMessage({ id, status }, origin);
	};
	parent.postMessage("ready", "*");
</script>`

// embed opens a page of a site that has a frame of another one.
func embed(t testing.TB, tab context.Context, page, frame string) {
	t.Helper()
	visit(t, tab, page)
	eval[bool](t, tab, fmt.Sprintf(`new Promise((resolve) => {
		const answers = {};
		onmessage = ({ data }) => data === "ready" ? resolve(true) : answers[data.id](data.status);
		const element = document.createElement("iframe");
		element.src = %q;
		document.body.append(element);
		globalThis.ask = (url, init = {}) => new Promise((answer) => {
			const id = Math.random();
			answers[id] = answer;
			element.contentWindow.postMessage({ id, url, init }, "*");
		});
	})`, frame))
}

// TestEmbedded: a site in a frame of another one. With Partitioned its users can log in
// there, and are logged in there only.
func TestEmbedded(t *testing.T) {
	const login, me, post = `ask("/login?name=alice", { method: "POST" })`, `ask("/me")`, `ask("/me", { method: "POST" })`
	for _, tt := range []struct {
		name     string
		cookies  gate.Cookies
		embedded int // the status of a request in the frame, after a login there
	}{
		{"Partitioned", gate.Cookies{SameSite: http.SameSiteNoneMode, Partitioned: true}, 200},
		{"SameSite=Lax", gate.Cookies{}, 401},
		{"SameSite=None", gate.Cookies{SameSite: http.SameSiteNoneMode}, 401}, // as browsers that block third-party cookies
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.cookies, session.Cookies)
			s.mux.Handle("GET /frame", page(frame))
			tab := newProfile(t)
			embed(t, tab, s.url(evil)+"/page", s.url(app)+"/frame")
			if status := eval[int](t, tab, login); status != 200 {
				t.Fatalf("the login in the frame: %d", status)
			}
			for _, request := range []string{me, post} {
				if status := eval[int](t, tab, request); status != tt.embedded {
					t.Errorf("%s in the frame: %d, want %d", request, status, tt.embedded)
				}
			}
			visit(t, tab, s.url(app)+"/page")
			if status := eval[int](t, tab, `fetch("/me").then((r) => r.status)`); status != 401 {
				t.Errorf("the site itself, after a login in the frame: %d", status)
			}
			embed(t, tab, s.url("third.example.org")+"/page", s.url(app)+"/frame")
			if status := eval[int](t, tab, me); status != 401 {
				t.Errorf("a frame of a third site: %d", status)
			}
			if tt.embedded == 200 {
				embed(t, tab, s.url(evil)+"/page", s.url(app)+"/frame")
				if status := eval[int](t, tab, me); status != 200 {
					t.Errorf("the frame of the same site, later: %d", status)
				}
			}
		})
	}
}
