package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jwtgate/gate/keys"
)

// plainKeys are public keys in the forms that tools write.
func plainKeys(t *testing.T) map[string]string {
	t.Helper()
	ec := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	spki := func(key any) string { return string(must(x509.MarshalPKIXPublicKey(key))) }
	n := rsaKey().N.Bytes()
	return map[string]string{
		"RSA PEM":         block("PUBLIC KEY", []byte(spki(&rsaKey().PublicKey))),
		"EC PEM":          block("PUBLIC KEY", []byte(spki(&ec.PublicKey))),
		"Ed25519 PEM":     block("PUBLIC KEY", []byte(spki(edKey.Public()))),
		"certificate PEM": block("CERTIFICATE", certificate(t)),
		"PKCS #1 PEM":     block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)),
		"RSA DER":         spki(&rsaKey().PublicKey),
		"EC DER":          spki(&ec.PublicKey),
		"Ed25519 DER":     spki(edKey.Public()),
		"certificate DER": string(certificate(t)),
		"PKCS #1 DER":     string(x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)),
		"EC point":        string(must(ec.PublicKey.Bytes())),
		"modulus":         string(n),
		"modulus, signed": "\x00" + string(n),
		"JWK":             string(jwk(rsaKey()).with(hidden).text()),
		"JWK of Ed25519":  string(jwk(edKey).with(hidden).text()),
		"JWK Set":         string(set(jwk(ec).with(hidden))),
		"OpenSSH":         "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
		"OpenSSH blob":    "\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + string(edKey.Public().(ed25519.PublicKey)),
	}
}

// disguises are what a key goes through on its way into a variable or a secret store.
var disguises = map[string]func(string) string{
	"as it is":       func(s string) string { return s },
	"with line feed": func(s string) string { return s + "\n" },
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, no padding": func(s string) string {
		return base64.RawStdEncoding.EncodeToString([]byte(s))
	},
	"base64url":             func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64url, no padding": func(s string) string { return b64([]byte(s)) },
	"base64 in lines": func(s string) string {
		return fold(base64.StdEncoding.EncodeToString([]byte(s)), "\n")
	},
	"base64, lines escaped": func(s string) string {
		return fold(base64.StdEncoding.EncodeToString([]byte(s)), `\n`)
	},
	"base64, assigned": func(s string) string { return "KEY=" + base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, labelled": func(s string) string { return "key " + base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 twice": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
	},
	"base64 of base64 of hex": func(s string) string {
		return b64([]byte(base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString([]byte(s))))))
	},
	"data URL":         func(s string) string { return "data:;base64," + base64.StdEncoding.EncodeToString([]byte(s)) },
	"base32":           func(s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) },
	"hex":              func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hex in capitals":  func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"hex behind 0x":    func(s string) string { return "0x" + hex.EncodeToString([]byte(s)) },
	"hex with colons":  func(s string) string { return strings.Trim(fmt.Sprintf("% x", s), " ") },
	"base64 in UTF-16": func(s string) string { return wide(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 of UTF-16": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(wide(base64.StdEncoding.EncodeToString([]byte(s)))))
	},
	"base64 in quotes": func(s string) string { return `'` + base64.StdEncoding.EncodeToString([]byte(s)) + `'` },
	"base64 in a URL":  func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 in JSON":   func(s string) string { return `{"public_key":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}` },
}

// forText are those of texts alone.
var forText = map[string]func(string) string{
	"JSON string":       func(s string) string { return string(must(jsonString(s))) },
	"JSON string twice": func(s string) string { return string(must(jsonString(string(must(jsonString(s)))))) },
	"URL":               url.QueryEscape,
	"UTF-16":            wide,
	"one line":          func(s string) string { return strings.ReplaceAll(s, "\n", " ") },
	"without BEGIN line": func(s string) string {
		if _, after, ok := strings.Cut(s, "\n"); ok {
			return after
		}
		return s
	},
	"without END line": func(s string) string { before, _, _ := strings.Cut(s, "-----END"); return before },
}

func fold(s, end string) string {
	var b strings.Builder
	for len(s) > 64 {
		b.WriteString(s[:64] + end)
		s = s[64:]
	}
	return b.String() + s
}

func wide(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// TestHMACOfDisguisedKey: whatever a public key was wrapped into, it is no secret.
func TestHMACOfDisguisedKey(t *testing.T) {
	for kind, text := range plainKeys(t) {
		for name, disguise := range disguises {
			checkDisguise(t, kind+", "+name, disguise(text))
		}
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			continue
		}
		for name, disguise := range forText {
			checkDisguise(t, kind+", "+name, disguise(text))
		}
	}
	n := rsaKey().N
	checkDisguise(t, "modulus in decimal", n.String())
	checkDisguise(t, "modulus as openssl prints it", "Modulus="+strings.ToUpper(n.Text(16)))
	checkDisguise(t, "known_hosts", "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
	checkDisguise(t, "escaped name", strings.Replace(string(jwk(edKey).with(hidden).text()), `"kty"`, `"\u006bty"`, 1))
	checkDisguise(t, "name escaped as in JavaScript", strings.Replace(string(jwk(edKey).with(hidden).text()), `"kty"`, `"\x6bty"`, 1))
	der := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	checkDisguise(t, "slashes escaped as in PHP", strings.ReplaceAll(base64.StdEncoding.EncodeToString(der)+"//", "/", `\/`))
	checkDisguise(t, ".NET", "<RSAKeyValue><Modulus>AAAA</Modulus></RSAKeyValue>......")
}

func checkDisguise(t *testing.T, name, text string) {
	t.Helper()
	if _, err := keys.HMAC(keys.HS256, []byte(text)); err == nil {
		t.Errorf("%s: accepted: %.100q", name, text)
	}
}

// TestHMACOfNumberThatEndsLikeALine: some keys end in the octets of a line end. They are
// found with and without line ends after them.
func TestHMACOfNumberThatEndsLikeALine(t *testing.T) {
	for name, number := range map[string]string{
		"point and line feed": pointWith("\n"), "point and carriage return": pointWith("\r"),
		"modulus and carriage return": modulusWith("\r"), "modulus and both": modulusWith("\n\r"),
	} {
		for _, after := range []string{"", "\n", "\r\n", "\n\n"} {
			checkDisguise(t, fmt.Sprintf("%s, then %q", name, after), number+after)
		}
	}
}

// pointWith returns the first multiple of the generator of P-256 that ends in some octets.
func pointWith(end string) string {
	for d := int64(1); ; d++ {
		key := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(d).FillBytes(make([]byte, 32))))
		if point := must(key.PublicKey.Bytes()); bytes.HasSuffix(point, []byte(end)) {
			return string(point)
		}
	}
}

// modulusWith returns a prime of 2048 bits that ends in some octets. No small prime divides
// it, as none divides a modulus.
func modulusWith(end string) string {
	n := new(big.Int).SetBytes([]byte(end))
	for n.SetBit(n, 2047, 1); !n.ProbablyPrime(0); {
		n.Add(n, big.NewInt(1<<16))
	}
	return string(n.Bytes())
}

// TestHMACTakesRandomSecrets: no secret of usual length is taken for a key.
func TestHMACTakesRandomSecrets(t *testing.T) {
	encodings := []func([]byte) string{
		func(b []byte) string { return string(b) },
		base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString, hex.EncodeToString, base32.StdEncoding.EncodeToString,
		func(b []byte) string { return new(big.Int).SetBytes(b).String() },
		func(b []byte) string { return string(must(jsonString(base64.StdEncoding.EncodeToString(b)))) },
	}
	for i := range 300 {
		b := make([]byte, []int{32, 33, 48, 64, 65, 96, 97, 128, 255, 260}[i%10])
		rand.Read(b)
		b[0] |= 1 // a modulus may have zero octets before it
		for j, encode := range encodings {
			if _, err := keys.HMAC(keys.HS256, []byte(encode(b))); err != nil {
				t.Fatalf("%d bytes, encoding %d: %v", len(b), j, err)
			}
		}
	}
}

// TestHMACTakesBackslashes: backslashes among random bytes escape nothing. Without them
// the bytes may look like a modulus; these are one.
func TestHMACTakesBackslashes(t *testing.T) {
	secret := append([]byte(`\`), bytes.ReplaceAll(rsaKey().N.Bytes(), []byte(`\`), []byte(`\\`))...)
	if _, err := keys.HMAC(keys.HS256, secret); err != nil {
		t.Errorf("HMAC refuses random bytes: %v", err)
	}
}

// TestHMACOfNestedText: work on a secret that is encoded many times has an end.
func TestHMACOfNestedText(t *testing.T) {
	text := "correct horse battery staple, and some more"
	for range 24 {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	if _, err := keys.HMAC(keys.HS256, []byte(text)); err != nil {
		t.Error(err)
	}
}
