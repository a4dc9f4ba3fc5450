package sessiontest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

// Site is what the routes of an application need.
type Site struct {
	Gate     *gate.Gate
	Sessions *session.Manager
}

// Routes drives an application in each way to deliver tokens. serve returns the Serve
// method of a server with the routes of [session.Manager.Handler] below /auth/, and
//
//	POST /login   starts a session for the form value "name", with the device of the request
//	GET  /me      for users: answers with their name
func Routes(t *testing.T, serve func(t *testing.T, s Site) func(net.Listener) error) {
	for d, name := range map[session.Delivery]string{session.JSON: "JSON", session.Cookies: "cookies", session.Split: "split"} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go serve(t, newSite(t, d))(l) // ends with the listener
			t.Cleanup(func() { l.Close() })
			a := &app{t, d, "http://" + l.Addr().String()}
			a.list()
			a.refresh()
			a.end()
			a.logout()
			a.devices()
		})
	}
}

func newSite(t *testing.T, d session.Delivery) Site {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		t.Fatal(err)
	}
	places := []gate.Location{gate.FromHeader("Authorization", "Bearer")}
	if d == session.Cookies {
		places = []gate.Location{gate.FromCookies()}
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store, Locations: places, Cookies: gate.Cookies{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.New(g, store, session.Options{Delivery: d, Device: session.DeviceOf})
	if err != nil {
		t.Fatal(err)
	}
	return Site{g, m}
}

// app is a running application.
type app struct {
	*testing.T
	delivery session.Delivery
	address  string
}

// device is a client of the application.
type device struct {
	*app
	client *http.Client
	name   string
	tokens session.Body
}

func (a *app) device(name string) *device {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.Fatal(err)
	}
	return &device{app: a, client: &http.Client{Jar: jar}, name: name}
}

func (a *app) login(user, name string) *device {
	a.Helper()
	d := a.device(name)
	d.want(http.StatusOK, d.send("POST", "/login", url.Values{"name": {user}}.Encode(), "application/x-www-form-urlencoded"))
	return d
}

// answer is what came back.
type answer struct {
	what   string
	status int
	header http.Header
	body   string
}

// send sends a request, with the access token and the CSRF value that belongs to it.
func (d *device) send(method, path, body, contentType string) answer {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.address+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("User-Agent", d.name)
	r.Header.Set("Content-Type", contentType)
	if d.tokens.AccessToken != "" {
		r.Header.Set("Authorization", "Bearer "+d.tokens.AccessToken)
	}
	csrf := d.cookie("csrf_access_token")
	if path == "/auth/refresh" || path == "/auth/logout" {
		csrf = d.tokens.CSRFToken
	}
	if csrf != "" {
		r.Header.Set("X-CSRF-TOKEN", csrf)
	}
	resp, err := d.client.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK && (path == "/login" || path == "/auth/refresh") {
		d.tokens = session.Body{}
		if err := json.Unmarshal(text, &d.tokens); err != nil {
			d.Errorf("%s: %v: %s", path, err, text)
		}
	}
	return answer{method + " " + path + " by " + d.name, resp.StatusCode, resp.Header, string(text)}
}

func (d *device) cookie(name string) string {
	u, err := url.Parse(d.address)
	if err != nil {
		d.Fatal(err)
	}
	for _, c := range d.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// copy returns a thief with the tokens of d.
func (d *device) copy() *device {
	u, err := url.Parse(d.address)
	if err != nil {
		d.Fatal(err)
	}
	c := d.device(d.name)
	c.tokens = d.tokens
	c.client.Jar.SetCookies(u, d.client.Jar.Cookies(u))
	return c
}

func (a *app) want(status int, got answer) {
	a.Helper()
	if got.status != status {
		a.Errorf("%s: %d %s, want %d", got.what, got.status, got.body, status)
	}
	if (got.status == http.StatusOK) && got.header.Get("Cache-Control") == "" && !strings.Contains(got.what, " /me ") {
		a.Errorf("%s: caches may store the answer", got.what)
	}
}

// refreshed sends the refresh token.
func (d *device) refreshed() answer {
	d.Helper()
	body := ""
	if d.delivery == session.JSON {
		body = fmt.Sprintf(`{"refresh_token":%q}`, d.tokens.RefreshToken)
	}
	return d.send("POST", "/auth/refresh", body, "application/json")
}

func (d *device) me() answer { d.Helper(); return d.send("GET", "/me", "", "") }

// listed is a session of the answer to GET /auth/sessions.
type listed struct {
	ID        string
	Current   bool
	UserAgent string `json:"user_agent"`
}

func (d *device) sessions() (list []listed) {
	d.Helper()
	a := d.send("GET", "/auth/sessions", "", "")
	d.want(http.StatusOK, a)
	var body struct{ Sessions []listed }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		d.Errorf("%s: %v: %s", a.what, err, a.body)
	}
	return body.Sessions
}

// list: a user sees the own devices and no others.
func (a *app) list() {
	phone, laptop := a.login("alice", "phone"), a.login("alice", "laptop")
	a.login("bob", "phone of bob")
	a.want(http.StatusUnauthorized, a.device("thief").send("GET", "/auth/sessions", "", ""))
	for _, d := range []*device{phone, laptop} {
		if got := d.me(); got.status != http.StatusOK || got.body != "alice" {
			a.Errorf("%s: %d %s", got.what, got.status, got.body)
		}
		list := d.sessions()
		var names, current []string
		for _, s := range list {
			names = append(names, s.UserAgent)
			if s.Current {
				current = append(current, s.UserAgent)
			}
		}
		slices.Sort(names)
		if fmt.Sprint(names, current) != fmt.Sprint([]string{"laptop", "phone"}, []string{d.name}) {
			a.Errorf("the list of %s has %q, of which %q is the current one", d.name, names, current)
		}
	}
}

// refresh: a refresh token gives new tokens, and nothing else does.
func (a *app) refresh() {
	d := a.login("carol", "phone")
	before := d.tokens
	d.name = "phone, updated"
	a.want(http.StatusOK, d.refreshed())
	if d.tokens.AccessToken == before.AccessToken && a.delivery != session.Cookies || d.tokens.RefreshToken == before.RefreshToken && a.delivery == session.JSON {
		a.Error("the refresh has answered with the old tokens")
	}
	a.want(http.StatusOK, d.me())
	if list := d.sessions(); len(list) != 1 || list[0].UserAgent != "phone, updated" {
		a.Errorf("after a refresh the list has %v", list)
	}
	a.want(http.StatusUnauthorized, a.device("thief").refreshed())
	if a.delivery == session.JSON {
		return
	}
	if got := d.send("GET", "/auth/csrf", "", ""); got.status != http.StatusOK || !strings.Contains(got.body, d.tokens.CSRFToken) {
		a.Errorf("%s: %d %s", got.what, got.status, got.body)
	}
	d.tokens.CSRFToken = ""
	a.want(http.StatusForbidden, d.refreshed())
}

// end: a user ends the own devices and no others.
func (a *app) end() {
	phone, laptop, thief := a.login("dora", "phone"), a.login("dora", "laptop"), a.login("mallory", "thief")
	for _, s := range laptop.sessions() {
		path := "/auth/sessions/" + s.ID
		a.want(http.StatusNotFound, thief.send("DELETE", path, "", ""))
		if s.Current {
			a.want(http.StatusNoContent, phone.send("DELETE", path, "", ""))
			a.want(http.StatusNotFound, phone.send("DELETE", path, "", ""))
		}
	}
	a.want(http.StatusUnauthorized, laptop.me())
	a.want(http.StatusUnauthorized, laptop.refreshed())
	laptop = a.login("dora", "laptop")
	a.want(http.StatusNoContent, phone.send("POST", "/auth/logout/others", "", ""))
	a.want(http.StatusUnauthorized, laptop.me())
	a.want(http.StatusOK, phone.me())
	laptop = a.login("dora", "laptop")
	a.want(http.StatusNoContent, phone.send("POST", "/auth/logout/all", "", ""))
	a.want(http.StatusUnauthorized, laptop.me())
	a.want(http.StatusUnauthorized, phone.me())
	a.want(http.StatusOK, thief.me())
}

// logout: the tokens are refused from then on, and the cookies are gone.
func (a *app) logout() {
	d := a.login("emma", "phone")
	a.want(http.StatusUnauthorized, a.device("thief").send("POST", "/auth/logout", "", ""))
	copied := d.copy()
	a.want(http.StatusNoContent, d.send("POST", "/auth/logout", "", ""))
	for _, name := range []string{"access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"} {
		if value := d.cookie(name); value != "" {
			a.Errorf("after the logout there is a cookie %s", name)
		}
	}
	a.want(http.StatusUnauthorized, copied.me())
	a.want(http.StatusUnauthorized, copied.refreshed())
}

// devices: what was stored of a request does not change with later requests.
func (a *app) devices() {
	var names []string
	var last *device
	for i := range 20 {
		last = a.login("frank", "device")
		last.name = fmt.Sprintf("device number %02d", i)
		last.refreshed()
		a.device("somebody else, whose name is longer").me()
		last.me()
		names = append(names, last.name)
	}
	var stored []string
	for _, s := range last.sessions() {
		stored = append(stored, s.UserAgent)
	}
	slices.Sort(stored)
	if !slices.Equal(names, stored) {
		a.Errorf("the list has the devices %q", stored)
	}
}
