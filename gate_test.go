package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

type nilBlocklist struct{ gate.Blocklist }

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*gate.Config)
		want string
	}{
		{"no keys", func(c *gate.Config) { c.Keys = nil }, "Config.Keys"},
		{"nil key", func(c *gate.Config) { c.Keys = (*keys.Key)(nil) }, "Config.Keys"},
		{"nil key set", func(c *gate.Config) { c.Keys = (*keys.Set)(nil) }, "Config.Keys"},
		{"nil blocklist in the interface", func(c *gate.Config) { c.Blocklist = (*nilBlocklist)(nil) }, "Config.Blocklist"},
		{"nil function as blocklist", func(c *gate.Config) { c.Blocklist = gate.BlocklistFunc(nil) }, "Config.Blocklist"},
		{"no location", func(c *gate.Config) { c.Locations = []gate.Location{} }, "Config.Locations is empty"},
		{"zero location", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromCookies(), {}} }, "zero Location"},
		{"location of a nil function", func(c *gate.Config) { c.Locations = []gate.Location{gate.LocationFunc("x", nil)} }, "zero Location"},
		{"scheme with a space", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromHeader("Authorization", "Bearer ")} }, `write "Bearer"`},
		{"header without a name", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromHeader("", "Bearer")} }, "header name"},
		{"header with its scheme in the name", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromHeader("Authorization: Bearer", "")} }, "header name"},
		{"the header of cookies", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromHeader("cookie", "")} }, "FromCookies"},
		{"query parameter without a name", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromQuery("", "")} }, "FromQuery has an empty name"},
		{"path without a name", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromPath("")} }, "FromPath has an empty name"},
		{"path with braces", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromPath("{token}")} }, "without braces"},
		{"JSON without a name", func(c *gate.Config) { c.Locations = []gate.Location{gate.FromJSON("", "")} }, "FromJSON has an empty name"},
		{"identity in a claim of another meaning", func(c *gate.Config) { c.Create.IdentityClaim = "jti" }, "IdentityClaim"},
		{"identity claim with a quote", func(c *gate.Config) { c.Create.IdentityClaim = `a"b` }, "IdentityClaim"},
		{"identity claim with a backslash", func(c *gate.Config) { c.Create.IdentityClaim = `a\b` }, "IdentityClaim"},
		{"identity claim with a line end", func(c *gate.Config) { c.Create.IdentityClaim = "a\n" }, "IdentityClaim"},
		{"identity claim not in ASCII", func(c *gate.Config) { c.Create.IdentityClaim = "identité" }, "IdentityClaim"},
		{"negative leeway", func(c *gate.Config) { c.Accept.Leeway = -1 }, "Leeway is negative"},
		{"leeway as long as the lifetime", func(c *gate.Config) { c.Accept.Leeway = 15 * time.Minute }, "less than the lifetime"},
		{"negative longest lifetime", func(c *gate.Config) { c.Accept.MaxLifetime = -1 }, "MaxLifetime is negative"},
		{"access tokens without exp", func(c *gate.Config) { c.Create.AccessLifetime = gate.NoExpiry }, "without exp"},
		{"refresh tokens without exp", func(c *gate.Config) { c.Create.RefreshLifetime = gate.NoExpiry }, "without exp"},
		{"lifetime in seconds for nanoseconds", func(c *gate.Config) { c.Create.AccessLifetime = 900 }, "less than a second"},
		{"negative lifetime", func(c *gate.Config) { c.Create.AccessLifetime = -time.Hour }, "less than a second"},
		{"negative refresh lifetime", func(c *gate.Config) { c.Create.RefreshLifetime = -time.Hour }, "less than a second"},
		{"refresh lifetime of nanoseconds", func(c *gate.Config) { c.Create.RefreshLifetime = 900 }, "less than a second"},
		{"access lifetime over the longest", func(c *gate.Config) {
			c.Accept.MaxLifetime, c.Create.AccessLifetime = 31*24*time.Hour, 32*24*time.Hour
		}, "longer than Accept.MaxLifetime"},
		{"refresh lifetime over the longest", func(c *gate.Config) { c.Accept.MaxLifetime = time.Hour }, "longer than Accept.MaxLifetime"},
		{"header type in upper case", func(c *gate.Config) { c.Accept.HeaderTypes = []string{"JWT"} }, "HeaderTypes"},
		{"empty header type", func(c *gate.Config) { c.Accept.HeaderTypes = []string{""} }, "HeaderTypes"},
		{"header type in full", func(c *gate.Config) { c.Accept.HeaderTypes = []string{"application/jwt"} }, "HeaderTypes"},
		{"negative token size", func(c *gate.Config) { c.Accept.Limits.TokenBytes = -1 }, "negative limit"},
		{"negative depth", func(c *gate.Config) { c.Accept.Limits.Depth = -1 }, "negative limit"},
		{"negative members", func(c *gate.Config) { c.Accept.Limits.Members = -1 }, "negative limit"},
		{"negative candidates", func(c *gate.Config) { c.Accept.Limits.KeyCandidates = -1 }, "negative limit"},
		{"negative body", func(c *gate.Config) { c.Accept.Limits.BodyBytes = -1 }, "negative limit"},
		{"negative cache size", func(c *gate.Config) { c.Accept.Limits.CacheBytes = -1 }, "negative limit"},
		{"SameSite=None without Secure", func(c *gate.Config) {
			c.Cookies.SameSite, c.Cookies.Insecure = http.SameSiteNoneMode, true
		}, "SameSite=None"},
		{"unknown SameSite", func(c *gate.Config) { c.Cookies.SameSite = 9 }, "SameSite"},
		{"no CSRF method", func(c *gate.Config) { c.Cookies.CSRF.Methods = []string{} }, "Methods is empty"},
		{"CSRF method in lower case", func(c *gate.Config) { c.Cookies.CSRF.Methods = []string{"post"} }, "upper case"},
		{"empty CSRF method", func(c *gate.Config) { c.Cookies.CSRF.Methods = []string{""} }, "upper case"},
		{"negative cookie age", func(c *gate.Config) { c.Cookies.MaxAge = -time.Hour }, "MaxAge"},
		{"cookie age in seconds for nanoseconds", func(c *gate.Config) { c.Cookies.MaxAge = 3600 }, "MaxAge"},
		{"cookie name with a space", func(c *gate.Config) { c.Cookies.Access.Name = "a b" }, "Cookies"},
		{"cookie path with a semicolon", func(c *gate.Config) { c.Cookies.Access.Path = "/a;b" }, "Cookies"},
		{"type without a name", func(c *gate.Config) { c.Create.Types = []gate.TokenType{""} }, "Create.Types"},
		{"type of the gate's own", func(c *gate.Config) { c.Create.Types = []gate.TokenType{"reset", gate.Access} }, "Create.Types"},
		{"any type", func(c *gate.Config) { c.Create.Types = []gate.TokenType{gate.AnyTokenType} }, "Create.Types"},
		{"type that JSON quotes", func(c *gate.Config) { c.Create.Types = []gate.TokenType{`a"b`} }, "Create.Types"},
		{"cookie path without a slash", func(c *gate.Config) { c.Cookies.Refresh.Path = "refresh" }, "slash"},
		{"partitioned, and sent to one site only", func(c *gate.Config) { c.Cookies.Partitioned = true }, "Partitioned"},
		{"bad domain of old", func(c *gate.Config) { c.Cookies.Former = []gate.CookieScope{{Domain: "a b"}} }, "Former"},
		{"path of old without a slash", func(c *gate.Config) { c.Cookies.Former = []gate.CookieScope{{Path: "old"}} }, "Former"},
		{"bad domain", func(c *gate.Config) { c.Cookies.Domain = "a b.example" }, "Cookies"},
		{"one name for both tokens", func(c *gate.Config) {
			c.Cookies.Access.Name, c.Cookies.Refresh.Name = "token", "token"
		}, "two cookies"},
		{"one name for token and CSRF value", func(c *gate.Config) { c.Cookies.Access.CSRFName = "access_token_cookie" }, "two cookies"},
		{"__Host- with a domain", func(c *gate.Config) {
			c.Cookies.Access.Name, c.Cookies.Domain = "__Host-t", "example.com"
		}, "__Host-t needs"},
		{"__Host- with a path", func(c *gate.Config) {
			c.Cookies.Access.Name, c.Cookies.Access.Path = "__Host-t", "/api"
		}, "__Host-t needs"},
		{"__Host- without Secure", func(c *gate.Config) { c.Cookies.Access.Name, c.Cookies.Insecure = "__Host-t", true }, "__Host-t needs"},
		{"__hOST- with a domain", func(c *gate.Config) {
			c.Cookies.Access.Name, c.Cookies.Domain = "__hOST-t", "example.com"
		}, "__hOST-t needs"},
		{"__Secure- without Secure", func(c *gate.Config) { c.Cookies.Access.CSRFName, c.Cookies.Insecure = "__Secure-c", true }, "__Secure-c needs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := gate.Config{Keys: hs256}
			tt.set(&cfg)
			g, err := gate.New(cfg)
			if g != nil || err == nil || !strings.HasPrefix(err.Error(), "gate: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, %v; want an error with %q", g, err, tt.want)
			}
		})
	}
}

// The neighbours of what TestNewRefuses refuses.
func TestNewAccepts(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*gate.Config)
	}{
		{"keys alone", func(*gate.Config) {}},
		{"leeway under the lifetime", func(c *gate.Config) { c.Accept.Leeway = 15*time.Minute - 1 }},
		{"leeway and tokens without exp", func(c *gate.Config) {
			c.Accept.Leeway, c.Create.AccessLifetime, c.Accept.Lenient.NoExpiry = time.Hour, gate.NoExpiry, true
		}},
		{"lifetime of a second", func(c *gate.Config) { c.Create.AccessLifetime = time.Second }},
		{"lifetimes as long as the longest", func(c *gate.Config) { c.Accept.MaxLifetime = 30 * 24 * time.Hour }},
		{"no longest lifetime", func(c *gate.Config) {
			c.Accept.MaxLifetime, c.Create.RefreshLifetime = gate.NoExpiry, 100*365*24*time.Hour
		}},
		{"identity claim of a URL", func(c *gate.Config) { c.Create.IdentityClaim = "https://example.com/user" }},
		{"SameSite=None with Secure", func(c *gate.Config) { c.Cookies.SameSite = http.SameSiteNoneMode }},
		{"SameSite left out", func(c *gate.Config) { c.Cookies.SameSite = http.SameSiteDefaultMode }},
		{"__Host- as it must be", func(c *gate.Config) { c.Cookies.Access.Name = "__Host-t" }},
		{"__Secure- with path and domain", func(c *gate.Config) {
			c.Cookies.Access.Name, c.Cookies.Access.Path, c.Cookies.Domain = "__Secure-t", "/api", "example.com"
		}},
		{"CSRF names alike where no such cookie is set", func(c *gate.Config) {
			c.Cookies.Access.CSRFName, c.Cookies.Refresh.CSRFName, c.Cookies.CSRF.OmitCookie = "x", "x", true
		}},
		{"custom CSRF method", func(c *gate.Config) { c.Cookies.CSRF.Methods = []string{"PROPFIND"} }},
		{"cache off", func(c *gate.Config) { c.Accept.Limits.CacheEntries = -1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := gate.Config{Keys: hs256}
			tt.set(&cfg)
			g, err := gate.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); err != nil {
				t.Errorf("its own token is refused: %v", err)
			}
		})
	}
}

func TestNewDefaults(t *testing.T) {
	cfg := gate.Config{Keys: hs256}
	g := must(gate.New(cfg))
	access := must(g.CheckToken(t.Context(), must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})), gate.Policy{}))
	if got, want := access.Expiry.Sub(access.IssuedAt), 15*time.Minute; got != want {
		t.Errorf("lifetime of access tokens = %v, want %v", got, want)
	}
	refresh := must(g.CheckToken(t.Context(), must(g.CreateRefreshToken(t.Context(), "alice", gate.TokenOptions{})), gate.Policy{Type: gate.Refresh}))
	if got, want := refresh.Expiry.Sub(refresh.IssuedAt), 30*24*time.Hour; got != want {
		t.Errorf("lifetime of refresh tokens = %v, want %v", got, want)
	}
	if age := time.Since(access.IssuedAt); age < 0 || age > time.Minute {
		t.Errorf("issued %v ago, want now", age)
	}
	if cfg.Locations != nil || cfg.OnError != nil || cfg.Clock != nil {
		t.Error("New wrote into the caller's Config")
	}
}

func TestNewCopiesItsSlices(t *testing.T) {
	cfg := gate.Config{
		Keys:      hs256,
		Clock:     stopped,
		Create:    gate.Create{Audience: []string{"api"}},
		Accept:    gate.Accept{Issuer: "iss", Audiences: []string{"api"}, HeaderTypes: []string{"jwt"}},
		Locations: []gate.Location{gate.FromCookies()},
		Cookies:   gate.Cookies{CSRF: gate.CSRF{Methods: []string{"POST"}}},
	}
	g := newGate(t, cfg)
	cfg.Create.Audience[0], cfg.Accept.Audiences[0] = "x", "x"
	cfg.Accept.HeaderTypes[0], cfg.Cookies.CSRF.Methods[0] = "x", "X"
	cfg.Locations[0] = gate.Location{}

	raw := must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"iss": "iss"}}))
	_, err := g.Check(request("GET", "/", "Cookie: access_token_cookie="+raw), gate.Policy{})
	checkVerdict(t, err, "ok")
	_, err = g.Check(request("POST", "/", "Cookie: access_token_cookie="+raw), gate.Policy{})
	checkVerdict(t, err, "csrf_missing")
}
