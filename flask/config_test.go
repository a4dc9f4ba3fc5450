package flask_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
	"github.com/jwtgate/gate/keys"
)

func TestConfigRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options map[string]any
		want    string // part of the error
	}{
		{"no secret", nil, `JWT_SECRET_KEY or flask SECRET_KEY must be set when using symmetric algorithm "HS256"`},
		{"unknown option", with("JWT_ACCES_TOKEN_EXPIRES", 1), "JWT_ACCES_TOKEN_EXPIRES is not an option"},
		{"short secret", map[string]any{"SECRET_KEY": "short-secret"}, "flask: SECRET_KEY: keys: secret for HS256 has 12 bytes"},
		{"short for one algorithm", with("JWT_DECODE_ALGORITHMS", []string{"HS512"}), "wants for HS512"},
		{"unknown algorithm", with("JWT_ALGORITHM", "HS1"), `has "HS1"; it takes [HS256 `},
		{"none", with("JWT_ALGORITHM", "none"), `has "none"`},
		{"no key pair", with("JWT_ALGORITHM", "RS256"), `JWT_PUBLIC_KEY must be set to use asymmetric cryptography algorithm "RS256"`},
		{"secret of an algorithm without", with("JWT_DECODE_ALGORITHMS", "RS256"), "flask: JWT_SECRET_KEY, which"},
		{"garbage as private key", map[string]any{"JWT_ALGORITHM": "ES256", "JWT_PRIVATE_KEY": "sesame"}, "flask: JWT_PRIVATE_KEY: keys: no PEM block"},
		{"location", with("JWT_TOKEN_LOCATION", "body"), `JWT_TOKEN_LOCATION can only contain`},
		{"no location", with("JWT_TOKEN_LOCATION", []string{}), "must contain at least one of"},
		{"empty header", with("JWT_HEADER_NAME", ""), "JWT_ACCESS_HEADER_NAME cannot be empty"},
		{"endless number", with("JWT_ACCESS_TOKEN_EXPIRES", math.Inf(1)), "JWT_ACCESS_TOKEN_EXPIRES is +Inf"},
		{"nil where None is no value", with("JWT_ACCESS_TOKEN_EXPIRES", nil), "JWT_ACCESS_TOKEN_EXPIRES is nil; it takes a number of seconds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := configured(flask.Options{}, tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// Every fault is reported at once, and no secret with it.
func TestConfigErrorsNameAllAndShowNoSecret(t *testing.T) {
	_, err := configured(flask.Options{}, map[string]any{"JWT_SECRET_KEY": []int{1337}, "JWT_PRIVATE_KEY": 4711, "JWT_ENCODE_NBF": "yes"})
	for _, want := range []string{"JWT_SECRET_KEY is a []int that is not shown", "JWT_PRIVATE_KEY", `JWT_ENCODE_NBF is "yes" (string)`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	for _, leak := range []string{"1337", "4711"} {
		if strings.Contains(err.Error(), leak) {
			t.Errorf("error %v shows a secret", err)
		}
	}
	for _, options := range []map[string]any{
		{"JWT_SECRET_KEY": "hunter2"},
		{"JWT_ALGORITHM": "RS256", "JWT_PRIVATE_KEY": "hunter2"},
		{"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY": "hunter2"},
	} {
		if _, err := configured(flask.Options{}, options); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v; it should be there, without the secret", err)
		}
	}
}

func TestFromEnvRefuses(t *testing.T) {
	for _, tt := range []struct{ name, variable, want string }{
		{"word for a number", "JWT_ACCESS_TOKEN_EXPIRES=soon", `JWT_ACCESS_TOKEN_EXPIRES is "soon"`},
		{"word for a boolean", "JWT_COOKIE_SECURE=yes", "JWT_COOKIE_SECURE"},
		{"broken list", `JWT_CSRF_METHODS=["GET"`, "JWT_CSRF_METHODS"},
		{"unknown", "JWT_COOKIE_SECUER=True", "JWT_COOKIE_SECUER is not an option"},
		{"misspelled", "JWT_COOKIE_CSRF_PROTEC=True", "did you mean JWT_COOKIE_CSRF_PROTECT?"},
		{"option of version 3", "JWT_BLACKLIST_ENABLED=True", "set Config.Blocklist"},
		{"not a number", "JWT_DECODE_LEEWAY=NaN", "JWT_DECODE_LEEWAY is NaN"},
		{"a list of nothing but a comma", "JWT_CSRF_METHODS=,", "JWT_CSRF_METHODS is"},
		{"a list of nothing but blanks", "JWT_CSRF_METHODS= ", "JWT_CSRF_METHODS is"},
		{"locations of nothing but a comma", "JWT_TOKEN_LOCATION= , ", "JWT_TOKEN_LOCATION is"},
		{"no lifetime by a zero", "JWT_ACCESS_TOKEN_EXPIRES=0", "or false for no expiry"},
		{"no lifetime by a zero duration", "JWT_REFRESH_TOKEN_EXPIRES=0s", "or false for no expiry"},
		{"None for a lifetime", "JWT_ACCESS_TOKEN_EXPIRES=None", "JWT_ACCESS_TOKEN_EXPIRES is"},
		{"a negative lifetime", "JWT_ACCESS_TOKEN_EXPIRES=-900", "less than a second"},
		{"None for protection", "JWT_COOKIE_CSRF_PROTECT=None", "JWT_COOKIE_CSRF_PROTECT is"},
		{"None for the methods", "JWT_CSRF_METHODS=None", "upper case"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := fromEnv([]string{"JWT_SECRET_KEY=" + secret, tt.variable})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// Programs share an environment; what belongs to another one stops nobody.
func TestFromEnvIgnoresOthers(t *testing.T) {
	c, err := fromEnv([]string{"JWT_SECRET_KEY=" + secret, "JWT_ISSUER_URL=https://idp.example", "JWT_TTL=5", "JWT_DECODE_AUDIENCE=None", "JWT_COOKIE_DOMAIN=none"})
	if err != nil || c.Accept.Audiences != nil || c.Cookies.Domain != "" {
		t.Errorf("audiences %v, domain %q, error %v; None is no value", c.Accept.Audiences, c.Cookies.Domain, err)
	}
}

// Of all options, None is a value of this one.
func TestSameSiteNoneInEnvironment(t *testing.T) {
	c, err := fromEnv([]string{"JWT_SECRET_KEY=" + secret, "JWT_COOKIE_SAMESITE=None", "JWT_COOKIE_SECURE=true"})
	if err != nil || c.Cookies.SameSite != http.SameSiteNoneMode {
		t.Errorf("SameSite %v, error %v", c.Cookies.SameSite, err)
	}
}

func TestEmptyListOfMethodsIsExplicit(t *testing.T) {
	c, err := fromEnv([]string{"JWT_SECRET_KEY=" + secret, "JWT_CSRF_METHODS=[]"})
	if err != nil || !c.Cookies.CSRF.SkipCheck {
		t.Errorf("SkipCheck = %v, error %v", c.Cookies.CSRF.SkipCheck, err)
	}
}

func TestDurationsOfAllTypes(t *testing.T) {
	for _, v := range []any{90, int64(90), uint8(90), float32(90), 90.0, 90 * time.Second} {
		c, err := configured(flask.Options{}, with("JWT_ACCESS_TOKEN_EXPIRES", v))
		if err != nil || c.Create.AccessLifetime != 90*time.Second {
			t.Errorf("with %T: %v, %v", v, c.Create.AccessLifetime, err)
		}
	}
}

// Values that were given are copied: changing them changes nothing.
func TestConfigCopies(t *testing.T) {
	audiences := []string{"a"}
	c, err := configured(flask.Options{}, with("JWT_DECODE_AUDIENCE", audiences))
	audiences[0] = "b"
	if err != nil || c.Accept.Audiences[0] != "a" {
		t.Errorf("audiences %v, %v", c.Accept.Audiences, err)
	}
}

func TestNoneMeansUnset(t *testing.T) {
	c, err := configured(flask.Options{}, map[string]any{
		"SECRET_KEY": []byte(secret), "JWT_SECRET_KEY": nil, "JWT_COOKIE_SAMESITE": nil, "JWT_DECODE_AUDIENCE": nil,
		"JWT_HEADER_TYPE": nil, "DEBUG": true,
	})
	if err != nil || c.Accept.Audiences != nil {
		t.Fatalf("audiences %v, %v", c.Accept.Audiences, err)
	}
	if got := refusal(t, c, "/", "Authorization", "a.b.c d"); !strings.Contains(got, "Bad Authorization header.") {
		t.Errorf("JWT_HEADER_TYPE None is not an empty one: %s", got)
	}
}

func TestShortSecretNeedsTheDoor(t *testing.T) {
	options := map[string]any{"JWT_SECRET_KEY": "super-secret"}
	if _, err := configured(flask.Options{}, options); err == nil || !strings.Contains(err.Error(), "Options.InsecureShortSecrets") {
		t.Errorf("error %v; it should name the door", err)
	}
	o := flask.Options{InsecureShortSecrets: true}
	if _, err := configured(o, options); err != nil {
		t.Errorf("with the door open: %v", err)
	}
	if _, err := o.FromEnv([]string{"JWT_SECRET_KEY=super-secret"}, nil); err != nil {
		t.Errorf("from the environment: %v", err)
	}
	pem := "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"
	if _, err := configured(o, map[string]any{"JWT_SECRET_KEY": pem}); err == nil {
		t.Error("a public key is taken for a secret")
	}
}

func TestKeysOfTheCaller(t *testing.T) {
	k, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	c, err := configured(flask.Options{Keys: k}, nil)
	if err != nil || c.Keys != keys.Source(k) {
		t.Errorf("Keys %v, %v", c.Keys, err)
	}
}

// The callbacks of keys: what they return decides, and their errors are no verdict.
func TestKeyCallbacks(t *testing.T) {
	down := errors.New("vault is down")
	text, fail := secret, error(nil)
	o := flask.Options{
		EncodeKey: func(context.Context, any) (string, error) { return text, fail },
		DecodeKey: func(_ context.Context, _, claims map[string]any) (string, error) {
			if claims["type"] != "access" {
				t.Errorf("claims %v lack their defaults", claims)
			}
			return text, fail
		},
	}
	cfg, err := configured(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := cfg.gate
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text string
		fail       error
		want       error // nil: any that is no verdict
		ok         bool
	}{
		{"right key", secret, nil, nil, true},
		{"other key", strings.ToUpper(secret), nil, gate.ErrInvalid, false},
		{"no key", "", nil, gate.ErrInvalid, false},
		{"callback fails", "", down, down, false},
		{"key is too short", "short", nil, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, fail = tt.text, tt.fail
			_, err := g.CheckToken(t.Context(), raw, gate.Policy{})
			switch {
			case tt.ok != (err == nil), tt.want != nil && !errors.Is(err, tt.want):
				t.Errorf("error %v, want %v", err, tt.want)
			case !tt.ok && tt.want != gate.ErrInvalid && flask.Status(err) != 503:
				t.Errorf("status %d of %v, want 503", flask.Status(err), err)
			}
		})
	}
	text, fail = secret, down
	if _, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}); !errors.Is(err, down) {
		t.Errorf("creating: error %v, want %v", err, down)
	}
	text, fail = secret, nil
	k, _ := keys.HMAC(keys.HS256, []byte(secret))
	head := k.Header() + "."
	forged := head + "W10." // the claims []
	sig, _ := k.Sign(t.Context(), forged[:len(forged)-1])
	if _, err := g.CheckToken(t.Context(), forged+sig, gate.Policy{}); !errors.Is(err, gate.ErrInvalid) {
		t.Errorf("claims that are no object: error %v", err)
	}
}

// A key of one family answers for a token of another as the token's fault.
// Whatever a log is told to print of a configuration and its keys, no key is in it.
func TestKeysAreNotShown(t *testing.T) {
	for _, options := range []map[string]any{
		{"JWT_SECRET_KEY": secret},
		{"JWT_SECRET_KEY": secret, "JWT_DECODE_ALGORITHMS": []string{"HS256", "HS384"}},
		{"SECRET_KEY": secret, "JWT_DECODE_ALGORITHMS": []string{"HS384"}},
	} {
		cfg, err := configured(flask.Options{InsecureShortSecrets: true}, options)
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, v := range []any{cfg.Config, cfg.Keys, &cfg.Config} {
				shown := fmt.Sprintf(verb, v)
				for _, form := range []string{"%s", "%x", "%d", "%#v"} {
					if text := strings.Trim(fmt.Sprintf(form, []byte(secret)), "[]byte{}"); strings.Contains(shown, text) {
						t.Errorf("%s of %T shows the secret of %v", verb, v, options)
					}
				}
			}
		}
	}
}

func TestKeyCallbackWithKeyOfAnotherAlgorithm(t *testing.T) {
	o := flask.Options{
		EncodeKey: func(context.Context, any) (string, error) { return secret, nil },
		DecodeKey: func(context.Context, map[string]any, map[string]any) (string, error) { return secret, nil },
	}
	cfg, err := configured(o, map[string]any{"JWT_DECODE_ALGORITHMS": []string{"ES256", "HS256", "HS256"}})
	if err != nil {
		t.Fatal(err)
	}
	g := cfg.gate
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	other, err := gate.New(gate.Config{Keys: k})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := other.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.CheckToken(t.Context(), raw, gate.Policy{})
	if got := flask.Message(err); got != "The specified alg value is not allowed" || flask.Status(err) != 422 {
		t.Errorf("status %d, message %q", flask.Status(err), got)
	}
}

func TestLocationsRefuses(t *testing.T) {
	g := newGate(t, with("JWT_JSON_KEY", "t"))
	if _, err := flask.Locations(g, "body"); err == nil || !strings.Contains(err.Error(), "'body' is not a valid location") {
		t.Errorf("unknown place: %v", err)
	}
	if _, err := flask.Locations(nil, "json"); err == nil || !strings.Contains(err.Error(), "the gate is nil") {
		t.Errorf("no gate: %v", err)
	}
	k, err := keys.HMAC(keys.HS256, []byte("a secret of thirty-two bytes, 123"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := gate.New(gate.Config{Keys: k})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flask.Locations(other, "json"); err == nil || !strings.Contains(err.Error(), "flask.New") {
		t.Errorf("a gate of gate.New: %v", err)
	}
}
