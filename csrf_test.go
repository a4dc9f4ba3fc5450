package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

func csrfGate(t *testing.T, c gate.CSRF) *gate.Gate {
	return newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}, Cookies: gate.Cookies{CSRF: c}})
}

// Without the value every unsafe method fails, with it all pass.
func TestCSRFMethods(t *testing.T) {
	for _, tt := range []struct {
		name    string
		csrf    gate.CSRF
		checked []string
		free    []string
	}{
		{"by default all but the safe ones", gate.CSRF{},
			[]string{"POST", "PUT", "PATCH", "DELETE", "PROPFIND", "CONNECT", "post", "get", "X"},
			[]string{"GET", "HEAD", "OPTIONS", "TRACE"}},
		{"given methods alone", gate.CSRF{Methods: []string{"PUT", "GET"}},
			[]string{"PUT", "GET", "put", "gEt"}, []string{"POST", "DELETE", "HEAD"}},
		{"check skipped", gate.CSRF{SkipCheck: true, Methods: []string{"POST"}}, nil, []string{"POST", "PUT"}},
		{"disabled", gate.CSRF{Disabled: true, Methods: []string{"POST"}}, nil, []string{"POST", "PUT"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := csrfGate(t, tt.csrf)
			cookie := "Cookie: access_token_cookie=" + token()
			for _, m := range tt.checked {
				_, err := g.Check(request(m, "/", cookie), gate.Policy{})
				checkVerdict(t, err, "csrf_missing")
				_, err = g.Check(request(m, "/", cookie, "X-CSRF-TOKEN: x"), gate.Policy{})
				checkVerdict(t, err, "csrf_mismatch")
				_, err = g.Check(request(m, "/", cookie, "X-CSRF-TOKEN: canary-csrf-1"), gate.Policy{})
				checkVerdict(t, err, "ok")
			}
			for _, m := range tt.free {
				_, err := g.Check(request(m, "/", cookie), gate.Policy{})
				checkVerdict(t, err, "ok")
			}
		})
	}
}

func TestCSRF(t *testing.T) {
	both := "; refresh_token_cookie=" + refreshToken()
	for _, tt := range []struct {
		name   string
		cookie string
		header []string
		policy gate.Policy
		want   string
	}{
		{"value of the token", token(), []string{"canary-csrf-1"}, gate.Policy{}, "ok"},
		{"first line counts", token(), []string{"canary-csrf-1", "x"}, gate.Policy{}, "ok"},
		{"second line does not", token(), []string{"x", "canary-csrf-1"}, gate.Policy{}, "csrf_mismatch"},
		{"optional, with the value", token(), []string{"canary-csrf-1"}, gate.Policy{Optional: true}, "ok"},

		{"no value", token(), nil, gate.Policy{}, "csrf_missing"},
		{"empty value", token(), []string{""}, gate.Policy{}, "csrf_missing"},
		{"optional, without", token(), nil, gate.Policy{Optional: true}, "csrf_missing"},
		{"missing before the token is read", "garbage", nil, gate.Policy{}, "csrf_missing"},
		{"present, then the token is read", "garbage", []string{"x"}, gate.Policy{}, "segments"},
		{"wrong", token(), []string{"canary-csrf-9"}, gate.Policy{}, "csrf_mismatch"},
		{"in another case", token(), []string{"Canary-CSRF-1"}, gate.Policy{}, "csrf_mismatch"},
		{"prefix", token(), []string{"canary-csrf"}, gate.Policy{}, "csrf_mismatch"},
		{"with a tail", token(), []string{"canary-csrf-1x"}, gate.Policy{}, "csrf_mismatch"},
		{"of the refresh token", token() + both, []string{"canary-csrf-2"}, gate.Policy{}, "csrf_mismatch"},
		{"of the access token for a refresh", token() + both, []string{"canary-csrf-1"}, gate.Policy{Type: gate.Refresh}, "csrf_mismatch"},
		{"of the refresh token for a refresh", token() + both, []string{"canary-csrf-2"}, gate.Policy{Type: gate.Refresh}, "ok"},
		{"claim missing", token("csrf", ""), []string{"x"}, gate.Policy{}, "csrf_claim_missing"},
		{"claim a number", token("csrf", "1"), []string{"1"}, gate.Policy{}, "csrf_claim_type"},
		{"claim null", token("csrf", "null"), []string{"null"}, gate.Policy{}, "csrf_claim_type"},
		{"claim empty", token("csrf", `""`), []string{"x"}, gate.Policy{}, "csrf_mismatch"},
		{"fault of the token first", token("exp", `"x"`), []string{"x"}, gate.Policy{}, "exp_type"},
		{"before expiry", token("exp", at(0)), []string{"x"}, gate.Policy{}, "csrf_mismatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request("POST", "/", "Cookie: access_token_cookie="+tt.cookie)
			r.Header["X-Csrf-Token"] = tt.header
			_, err := csrfGate(t, gate.CSRF{}).Check(r, tt.policy)
			checkVerdict(t, err, tt.want)
		})
	}
}

// Only cookies are sent by the browser on its own: elsewhere nothing is compared.
func TestCSRFOnlyOfCookies(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies(), gate.FromHeader("Authorization", "Bearer")}})
	r := request("POST", "/", "Authorization: Bearer "+token("csrf", ""))
	_, err := g.Check(r, gate.Policy{})
	checkVerdict(t, err, "ok")
}

func TestCSRFNames(t *testing.T) {
	g := newGate(t, gate.Config{
		Locations: []gate.Location{gate.FromCookies()},
		Cookies: gate.Cookies{
			Access:  gate.CookieNames{Name: "a", CSRFHeader: "x-access", CSRFField: "fa"},
			Refresh: gate.CookieNames{Name: "r", CSRFHeader: "x-refresh", CSRFField: "fr"},
			CSRF:    gate.CSRF{Form: true},
		},
	})
	cookie := "Cookie: a=" + token() + "; r=" + refreshToken()
	for _, tt := range []struct {
		name, header string
		policy       gate.Policy
		want         string
	}{
		{"access", "X-Access: canary-csrf-1", gate.Policy{}, "ok"},
		{"access by the header of refresh", "X-Refresh: canary-csrf-1", gate.Policy{}, "csrf_missing"},
		{"refresh", "X-Refresh: canary-csrf-2", gate.Policy{Type: gate.Refresh}, "ok"},
		{"refresh by the header of access", "X-Access: canary-csrf-2", gate.Policy{Type: gate.Refresh}, "csrf_missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := g.Check(request("DELETE", "/", cookie, tt.header), tt.policy)
			checkVerdict(t, err, tt.want)
		})
	}
	r := withBody("POST", "application/x-www-form-urlencoded", "fa=canary-csrf-1&fr=canary-csrf-2")
	r.Header.Set("Cookie", "a="+token()+"; r="+refreshToken())
	for _, p := range []gate.Policy{{}, {Type: gate.Refresh}} {
		_, err := g.Check(r, p)
		checkVerdict(t, err, "ok")
	}
}

// What a gate writes into its tokens and cookies is what it compares.
func TestCSRFRoundTrip(t *testing.T) {
	for _, tt := range []struct {
		name    string
		csrf    gate.CSRF
		cookies int
		claim   bool
	}{
		{"default", gate.CSRF{}, 2, true},
		{"check skipped", gate.CSRF{SkipCheck: true}, 2, true},
		{"no cookie with the value", gate.CSRF{OmitCookie: true}, 1, true},
		{"disabled", gate.CSRF{Disabled: true}, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := csrfGate(t, tt.csrf)
			raw := must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}))
			cookies := must(g.AccessCookies(t.Context(), raw, gate.CookieOptions{}))
			tok := must(g.Decode(t.Context(), raw, gate.DecodeOptions{}))
			if len(cookies) != tt.cookies || (tok.CSRF() != "") != tt.claim {
				t.Fatalf("%d cookies, value %q; want %d, %v", len(cookies), tok.CSRF(), tt.cookies, tt.claim)
			}
			if len(cookies) == 2 && cookies[1].Value != tok.CSRF() {
				t.Errorf("value of the cookie = %q, want %q", cookies[1].Value, tok.CSRF())
			}
			_, err := g.Check(request("POST", "/", "Cookie: access_token_cookie="+raw, "X-CSRF-TOKEN: "+tok.CSRF()), gate.Policy{})
			checkVerdict(t, err, "ok")
		})
	}
}

// The header is used if there is one, and the form field otherwise.
func TestCSRFHeaderBeforeForm(t *testing.T) {
	for _, tt := range []struct{ name, header, field, want string }{
		{"both right", "canary-csrf-1", "canary-csrf-1", "ok"},
		{"header right", "canary-csrf-1", "x", "ok"},
		{"header wrong", "x", "canary-csrf-1", "csrf_mismatch"},
		{"header empty", "", "canary-csrf-1", "ok"},
		{"neither", "", "", "csrf_missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := form("application/x-www-form-urlencoded", "csrf_token="+tt.field)
			r.Header.Set("X-CSRF-TOKEN", tt.header)
			_, err := newGate(t, inForm).Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
			if tt.want == "ok" && tt.header == "" { // and not at all where forms are not asked
				_, err = csrfGate(t, gate.CSRF{}).Check(r, gate.Policy{})
				checkVerdict(t, err, "csrf_missing")
			}
		})
	}
}

// A form has as many parts as net/http reads of one.
func TestCSRFFormParts(t *testing.T) {
	g := csrfGate(t, gate.CSRF{Form: true})
	const part = "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
	for before, want := range map[int]string{999: "ok", 1000: "csrf_missing"} {
		body := strings.Repeat(fmt.Sprintf(part, "a", ""), before) + fmt.Sprintf(part, "csrf_token", "canary-csrf-1") + "--b--\r\n"
		r := withBody("POST", "multipart/form-data; boundary=b", body)
		r.Header.Set("Cookie", "access_token_cookie="+token())
		_, err := g.Check(r, gate.Policy{})
		checkVerdict(t, err, want)
		if err := r.ParseMultipartForm(1 << 20); (err == nil) != (want == "ok") {
			t.Errorf("%d parts before the value: net/http says %v, and the verdict is %s", before, err, want)
		}
	}
}

// What a page gets for its forms is what the gate takes from them.
func TestCSRFInput(t *testing.T) {
	g := newGate(t, gate.Config{Cookies: gate.Cookies{
		Access: gate.CookieNames{CSRFField: `a"b`}, CSRF: gate.CSRF{Form: true},
	}})
	for _, tt := range []struct{ name, raw, want string }{
		{"access", token("csrf", `"<v>"`), `<input type="hidden" name="a&#34;b" value="&lt;v&gt;">`},
		{"refresh", refreshToken(), `<input type="hidden" name="csrf_token" value="canary-csrf-2">`},
		{"no value", token("csrf", ""), ""},
	} {
		tok := must(g.Decode(t.Context(), tt.raw, gate.DecodeOptions{}))
		if got := g.CSRFInput(gate.NewContext(t.Context(), tok)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := g.CSRFInput(t.Context()); got != "" {
		t.Errorf("without a token: %q", got)
	}
}
