package flask_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

const secret = "0123456789abcdef0123456789abcdeF"

// with returns options with a secret, and one more.
func with(name string, v any) map[string]any {
	return map[string]any{"JWT_SECRET_KEY": secret, name: v}
}

// newGate makes a gate of the options.
func newGate(t *testing.T, options map[string]any) *gate.Gate {
	t.Helper()
	c, err := configured(flask.Options{}, options)
	if err != nil {
		t.Fatal(err)
	}
	return c.gate
}

// made is a gate with its configuration.
type made struct {
	gate.Config
	gate *gate.Gate
}

// configured makes a gate of the options, changed by edits.
func configured(o flask.Options, options map[string]any, edits ...func(*gate.Config)) (m made, err error) {
	m.gate, err = o.New(options, func(c *gate.Config) {
		for _, edit := range edits {
			edit(c)
		}
		m.Config = *c
	})
	return m, err
}

func fromEnv(environ []string) (m made, err error) {
	m.gate, err = flask.FromEnv(environ, func(c *gate.Config) { m.Config = *c })
	return m, err
}

// refusal is what a request without a token, or with the given headers, is told.
func refusal(t *testing.T, c made, target string, headers ...string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	_, err := c.gate.Check(r, gate.Policy{Locations: c.Locations})
	c.gate.WriteError(w, r, err)
	return strings.TrimSpace(w.Body.String())
}

// optionTests has every option: its type, one value, and what it does.
var optionTests = []struct {
	name  string
	value any
	env   string // the same value
	wrong any
	got   func(t *testing.T, c made) any
	want  any
}{
	{"JWT_ACCESS_TOKEN_EXPIRES", 60, "60", "60", func(_ *testing.T, c made) any { return c.Create.AccessLifetime }, time.Minute},
	{"JWT_REFRESH_TOKEN_EXPIRES", false, "False", true, func(_ *testing.T, c made) any { return c.Create.RefreshLifetime }, gate.NoExpiry},
	{"JWT_DECODE_LEEWAY", 2.5, "2.5s", nil, func(_ *testing.T, c made) any { return c.Accept.Leeway }, 2500 * time.Millisecond},
	{"JWT_ENCODE_NBF", false, "false", 0, func(_ *testing.T, c made) any { return c.Create.OmitNotBefore }, true},
	{"JWT_VERIFY_SUB", false, "0", "no", func(_ *testing.T, c made) any { return c.Accept.Lenient.AnySubject }, true},
	{"JWT_IDENTITY_CLAIM", "user", "user", "", func(_ *testing.T, c made) any { return c.Create.IdentityClaim }, "user"},
	{"JWT_ENCODE_ISSUER", "me", "me", []string{"me"}, func(_ *testing.T, c made) any { return c.Create.Issuer }, "me"},
	{"JWT_ENCODE_AUDIENCE", []string{"a", "b"}, "a, b", 1, func(_ *testing.T, c made) any { return c.Create.Audience }, []string{"a", "b"}},
	{"JWT_DECODE_AUDIENCE", "a", "a", []any{"a", 1}, func(_ *testing.T, c made) any { return c.Accept.Audiences }, []string{"a"}},
	{"JWT_DECODE_ISSUER", []any{"a", "b"}, `["a","b"]`, 5, issuersOf, []string{"a", "b"}},
	{"JWT_ERROR_MESSAGE_KEY", "error", "error", nil, func(t *testing.T, c made) any { return refusal(t, c, "/") }, `{"error":"Missing Authorization Header"}`},
	{"JWT_ALGORITHM", "HS256", "HS256", "", algorithmOf, "HS256"},
	{"JWT_DECODE_ALGORITHMS", []string{"HS256"}, "HS256", 256, algorithmOf, "HS256"},
	{"JWT_SECRET_KEY", secret, secret, 5, algorithmOf, "HS256"},
	{"SECRET_KEY", secret, secret, true, algorithmOf, "HS256"},
	{"JWT_PRIVATE_KEY", "not used", "not used", 5, algorithmOf, "HS256"},
	{"JWT_PUBLIC_KEY", "not used", "not used", 5, algorithmOf, "HS256"},

	{"JWT_TOKEN_LOCATION", []string{"json", "headers"}, "json,headers", nil, func(_ *testing.T, c made) any { return c.Locations[0].String() }, "json"},
	{"JWT_HEADER_NAME", "X-T", "X-T", 1, func(t *testing.T, c made) any { return refusal(t, c, "/") }, `{"msg":"Missing X-T Header"}`},
	{"JWT_HEADER_TYPE", "", "", 1, func(t *testing.T, c made) any { return refusal(t, c, "/", "Authorization", "a b") }, `{"msg":"Bad Authorization header. Expected 'Authorization: <JWT>'"}`},
	{"JWT_QUERY_STRING_NAME", "t", "t", nil, in("query_string", "/"), `{"msg":"Missing 't' query paramater"}`},
	{"JWT_QUERY_STRING_VALUE_PREFIX", "P-", "P-", 1, in("query_string", "/?jwt=x"), `{"msg":"Invalid value for query parameter 'jwt'. Expected the value to start with 'P-'"}`},
	{"JWT_JSON_KEY", "k", "k", nil, in("json", "/"), `{"msg":"Missing \"k\" key in json data."}`},
	{"JWT_REFRESH_JSON_KEY", "k", "k", "", in("json", "/"), `{"msg":"Missing \"access_token\" key in json data."}`},

	{"JWT_COOKIE_SECURE", true, "TRUE", "yes", func(_ *testing.T, c made) any { return c.Cookies.Insecure }, false},
	{"JWT_COOKIE_DOMAIN", "example.com", "example.com", 1, func(_ *testing.T, c made) any { return c.Cookies.Domain }, "example.com"},
	{"JWT_COOKIE_SAMESITE", "strict", "strict", "sometimes", func(_ *testing.T, c made) any { return c.Cookies.SameSite }, http.SameSiteStrictMode},
	{"JWT_SESSION_COOKIE", false, "False", nil, func(_ *testing.T, c made) any { return c.Cookies.MaxAge }, 31540000 * time.Second},
	{"JWT_ACCESS_COOKIE_NAME", "n", "n", "", func(_ *testing.T, c made) any { return c.Cookies.Access.Name }, "n"},
	{"JWT_ACCESS_COOKIE_PATH", "/a b;ü%41", "/a b;ü%41", 1, func(_ *testing.T, c made) any { return c.Cookies.Access.Path }, "/a%20b%3B%C3%BC%41"},
	{"JWT_REFRESH_COOKIE_NAME", "n", "n", 1, func(_ *testing.T, c made) any { return c.Cookies.Refresh.Name }, "n"},
	{"JWT_REFRESH_COOKIE_PATH", "/n", "/n", nil, func(_ *testing.T, c made) any { return c.Cookies.Refresh.Path }, "/n"},

	{"JWT_COOKIE_CSRF_PROTECT", false, "false", "false", func(_ *testing.T, c made) any { return c.Cookies.CSRF.Disabled }, true},
	{"JWT_CSRF_METHODS", []string{"GET"}, `["GET"]`, 1, func(_ *testing.T, c made) any { return c.Cookies.CSRF.Methods }, []string{"GET"}},
	{"JWT_CSRF_CHECK_FORM", true, "1", 1, func(_ *testing.T, c made) any { return c.Cookies.CSRF.Form }, true},
	{"JWT_CSRF_IN_COOKIES", false, "false", nil, func(_ *testing.T, c made) any { return c.Cookies.CSRF.OmitCookie }, true},
	{"JWT_ACCESS_CSRF_COOKIE_NAME", "n", "n", 1, func(_ *testing.T, c made) any { return c.Cookies.Access.CSRFName }, "n"},
	{"JWT_ACCESS_CSRF_COOKIE_PATH", "/n", "/n", 1, func(_ *testing.T, c made) any { return c.Cookies.Access.CSRFPath }, "/n"},
	{"JWT_ACCESS_CSRF_FIELD_NAME", "n", "n", 1, func(_ *testing.T, c made) any { return c.Cookies.Access.CSRFField }, "n"},
	{"JWT_ACCESS_CSRF_HEADER_NAME", "n", "n", 1, func(_ *testing.T, c made) any { return c.Cookies.Access.CSRFHeader }, "n"},
	{"JWT_REFRESH_CSRF_COOKIE_NAME", "n", "n", 1, func(_ *testing.T, c made) any { return c.Cookies.Refresh.CSRFName }, "n"},
	{"JWT_REFRESH_CSRF_COOKIE_PATH", "/n", "/n", 1, func(_ *testing.T, c made) any { return c.Cookies.Refresh.CSRFPath }, "/n"},
	{"JWT_REFRESH_CSRF_FIELD_NAME", "n", "n", 1, func(_ *testing.T, c made) any { return c.Cookies.Refresh.CSRFField }, "n"},
	{"JWT_REFRESH_CSRF_HEADER_NAME", "n", "n", 1, func(_ *testing.T, c made) any { return c.Cookies.Refresh.CSRFHeader }, "n"},
}

// algorithmOf is the algorithm that tokens are signed with.
// issuersOf returns which of some issuers are accepted.
func issuersOf(t *testing.T, c made) any {
	var accepted []string
	for _, iss := range []string{"a", "b", "c"} {
		raw, err := c.gate.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"iss": iss}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.gate.CheckToken(t.Context(), raw, gate.Policy{}); err == nil {
			accepted = append(accepted, iss)
		}
	}
	return accepted
}

func algorithmOf(t *testing.T, c made) any {
	k, err := c.Keys.SigningKey(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(k.Algorithm())
}

// in asks a request what it is told where the gate looks in one location.
func in(location, target string) func(*testing.T, made) any {
	return func(t *testing.T, c made) any {
		for _, l := range c.Locations {
			if l.String() == location {
				c.Locations = []gate.Location{l}
			}
		}
		return refusal(t, c, target)
	}
}

// everywhere adds what a row needs beside its own option.
func everywhere(name string, v any) map[string]any {
	o := with("JWT_TOKEN_LOCATION", []string{"headers", "query_string", "json", "cookies"})
	if strings.HasPrefix(name, "JWT_HEADER") || name == "JWT_ERROR_MESSAGE_KEY" {
		delete(o, "JWT_TOKEN_LOCATION")
	}
	o[name] = v
	return o
}

func TestOptions(t *testing.T) {
	if n := len(optionTests); n != 43+1 {
		t.Fatalf("%d rows for 43 options and SECRET_KEY", n)
	}
	for _, tt := range optionTests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := configured(flask.Options{}, everywhere(tt.name, tt.value))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(t, c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("with %v: %v, want %v", tt.value, got, tt.want)
			}
			_, err = configured(flask.Options{}, everywhere(tt.name, tt.wrong))
			if err == nil || !strings.Contains(err.Error(), "flask: "+tt.name+" is ") || !strings.Contains(err.Error(), "it takes ") {
				t.Errorf("with %#v: error %v; it should name the option and what it takes", tt.wrong, err)
			}
		})
	}
}

func TestOptionsFromEnvironment(t *testing.T) {
	for _, tt := range optionTests {
		t.Run(tt.name, func(t *testing.T) {
			environ := []string{"PATH=/bin", "HOME", "JWT_COOKIE_DOMAIN="}
			for name, v := range everywhere(tt.name, tt.env) {
				if list, ok := v.([]string); ok {
					v = strings.Join(list, ",")
				}
				environ = append(environ, name+"="+v.(string))
			}
			c, err := fromEnv(environ)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(t, c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("with %q: %v, want %v", tt.env, got, tt.want)
			}
		})
	}
}
