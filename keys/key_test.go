package keys_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

func TestGenerate(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			k, err := keys.Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			hmac := strings.HasPrefix(string(alg), "HS")
			if k.Algorithm() != alg || k.ID() != "" || !k.CanSign() || (k.Public() == nil) != hmac {
				t.Errorf("key = %v, signs %v, public %T", k, k.CanSign(), k.Public())
			}
			token := signed(t, k, `{"alg":"`+string(alg)+`"}`)
			if !verifies(k, token) {
				t.Error("own signature refused")
			}
			if verifies(k, "x"+token) {
				t.Error("signature of other text accepted")
			}
			if hmac {
				return
			}
			public, err := keys.FromPublic(alg, k.Public())
			if err != nil {
				t.Fatal(err)
			}
			if !verifies(public, token) || public.CanSign() {
				t.Errorf("public half verifies %v, signs %v", verifies(public, token), public.CanSign())
			}
		})
	}
}

// Two generated keys are two keys.
func TestGenerateAnother(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.HS256, keys.ES256, keys.EdDSA} {
		a, b := must(keys.Generate(alg)), must(keys.Generate(alg))
		if verifies(b, signed(t, a, `{}`)) {
			t.Errorf("%s: another key's signature accepted", alg)
		}
	}
}

func TestAlgorithmUnknown(t *testing.T) {
	for _, alg := range []keys.Algorithm{"", "none", "None", "NONE", "hs256", "HS1", "ES256K", "RSA-OAEP", "Ed448", "HS256 "} {
		t.Run(string(alg), func(t *testing.T) {
			want := fmt.Sprintf("algorithm %q is not supported", string(alg))
			_, err := keys.HMAC(alg, secret)
			refused(t, err, want)
			_, err = keys.InsecureHMAC(alg, secret)
			refused(t, err, want)
			_, err = keys.FromPublic(alg, &rsaKey().PublicKey)
			refused(t, err, want)
			_, err = keys.FromSigner(alg, rsaKey())
			refused(t, err, want)
			_, err = keys.FromPEM(alg, nil)
			refused(t, err, want)
			_, err = keys.Generate(alg)
			refused(t, err, want)
		})
	}
}

func TestHMACFamily(t *testing.T) {
	for _, alg := range algorithms[3:] {
		_, err := keys.HMAC(alg, secret)
		refused(t, err, "does not take a secret")
		_, err = keys.InsecureHMAC(alg, secret)
		refused(t, err, "does not take a secret")
	}
}

func TestHMACCopies(t *testing.T) {
	own := bytes.Clone(secret)
	k := must(keys.HMAC(keys.HS256, own))
	token := signed(t, k, `{}`)
	clear(own)
	if !verifies(k, token) {
		t.Error("the key changed with the caller's slice")
	}
}

func TestFromPublicCopies(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	k := must(keys.FromPublic(keys.EdDSA, public))
	token := signed(t, must(keys.FromSigner(keys.EdDSA, private)), `{}`)
	clear(public)
	if !verifies(k, token) {
		t.Error("the key changed with the caller's slice")
	}
}

func TestHeader(t *testing.T) {
	k := must(keys.HMAC(keys.HS256, secret))
	for _, tt := range []struct{ name, id, want, kept string }{
		{"no key ID", "", `{"alg":"HS256","typ":"JWT"}`, ""},
		{"plain", "2026-01", `{"alg":"HS256","kid":"2026-01","typ":"JWT"}`, "2026-01"},
		{"quote and backslash", `a"b\c`, `{"alg":"HS256","kid":"a\"b\\c","typ":"JWT"}`, `a"b\c`},
		{"an attempt to break out", `x","alg":"none`, `{"alg":"HS256","kid":"x\",\"alg\":\"none","typ":"JWT"}`, `x","alg":"none`},
		{"control characters", "a\n\x00", `{"alg":"HS256","kid":"a\n\u0000","typ":"JWT"}`, "a\n\x00"},
		{"UTF-8", "ä€", `{"alg":"HS256","kid":"ä€","typ":"JWT"}`, "ä€"},
		{"not UTF-8", "a\xff\xfeb", `{"alg":"HS256","kid":"a` + "\ufffd" + `b","typ":"JWT"}`, "a\ufffdb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			named := k.WithID(tt.id)
			if got := named.Header(); got != b64([]byte(tt.want)) {
				t.Errorf("header = %s, want %s", got, b64([]byte(tt.want)))
			}
			if named.ID() != tt.kept {
				t.Errorf("ID = %q, want %q", named.ID(), tt.kept)
			}
			if u := unverified(t, tt.want); u.KeyID() != named.ID() {
				t.Errorf("kid reads as %q, want %q", u.KeyID(), named.ID())
			}
			if named.ForHeader(named.Header()) != named || named.ForHeader("x") != nil {
				t.Error("ForHeader does not find the key by its header alone")
			}
		})
	}
	if k.ID() != "" {
		t.Error("WithID changed the key itself")
	}
}

func TestKeyIsSource(t *testing.T) {
	k := must(keys.HMAC(keys.HS256, secret))
	for _, tt := range []struct {
		name, id, header string
		want             bool
	}{
		{"no ID at all", "", `{"alg":"HS256"}`, true},
		{"ID in the token alone", "", `{"alg":"HS256","kid":"a"}`, true},
		{"ID of the key alone", "a", `{"alg":"HS256"}`, true},
		{"same ID", "a", `{"alg":"HS256","kid":"a"}`, true},
		{"other ID", "a", `{"alg":"HS256","kid":"b"}`, false},
		{"other case", "a", `{"alg":"HS256","kid":"A"}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := len(find(t, k.WithID(tt.id), tt.header)) == 1; got != tt.want {
				t.Errorf("key found = %v, want %v", got, tt.want)
			}
		})
	}
	if got, err := k.SigningKey(context.Background(), "anyone"); got != k || err != nil {
		t.Errorf("SigningKey = %v, %v", got, err)
	}
}

func TestCannotSign(t *testing.T) {
	k := must(keys.FromPublic(keys.RS256, &rsaKey().PublicKey))
	if _, err := k.Sign(t.Context(), ""); !errors.Is(err, keys.ErrCannotSign) {
		t.Errorf("Sign error = %v, want %v", err, keys.ErrCannotSign)
	}
	if _, err := k.SigningKey(context.Background(), nil); !errors.Is(err, keys.ErrCannotSign) {
		t.Errorf("SigningKey error = %v, want %v", err, keys.ErrCannotSign)
	}
}

// The zero key does nothing, and does not panic.
func TestZeroKey(t *testing.T) {
	var k keys.Key
	_, signErr := k.Sign(t.Context(), "")
	_, jsonErr := k.MarshalJSON()
	_, setErr := keys.NewSet(&k)
	if k.Verify("", "") || k.CanSign() || k.Thumbprint() != "" || signErr == nil || jsonErr == nil || setErr == nil {
		t.Error("the zero key is of use")
	}
}

// No way of printing a key shows its secret.
func TestKeyDoesNotPrint(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	hidden := map[*keys.Key][]byte{
		must(keys.HMAC(keys.HS256, secret)).WithID("a"):        secret,
		must(keys.FromSigner(keys.ES256, ec)).WithID("a"):      must(ec.Bytes()),
		must(keys.FromSigner(keys.EdDSA, private)).WithID("a"): private.Seed(),
	}
	for k, raw := range hidden {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", k)
		slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", k)
		set := must(keys.NewSet(k))
		printed := log.String()
		within := struct{ k keys.Key }{*k} // whose methods fmt does not call
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%c"} {
			printed += fmt.Sprintf(strings.Repeat(format, 5), k, *k, set, within, &within)
		}
		for _, form := range []string{"%s", "%x", "%X", "%d", "%v", "%#v"} {
			if text := strings.Trim(fmt.Sprintf(form, raw), "[]"); strings.Contains(printed, text) {
				t.Errorf("%s: the secret is printed", k)
			}
		}
		if want := fmt.Sprintf(`keys.Key(%s "a")`, k.Algorithm()); k.String() != want || k.GoString() != want {
			t.Errorf("String = %s, GoString = %s, want %s", k, k.GoString(), want)
		}
		if !strings.Contains(printed, `"key":{"alg":"`+string(k.Algorithm())+`","kid":"a"}`) {
			t.Errorf("log = %s", log.String())
		}
	}
}
