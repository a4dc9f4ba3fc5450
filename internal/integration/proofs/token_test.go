package proofs_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unsafe"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func TestTokensAndKeys(t *testing.T) {
	run(t, []proof{
		{"printing a struct shows a token's claims or a secret", printed},
		{"a token reads memory that a transport uses again", aliased},
		{"a public key is taken for a secret", disguised},
		{"an issuer writes tokens in another's name", issuerKey},
		{"a provider's user writes the claims of a gate", providersClaims},
		{"another site opens a WebSocket with the cookie", webSocket},
	})
}

func printed(a *attack) {
	secret := []byte("0123456789abcdef0123456789abcdeX")
	key := must(keys.HMAC(keys.HS256, secret))
	g := newGate(gate.Config{Keys: key, Locations: fromCookies})
	t := must(check(g, access(g, "alice", gate.TokenOptions{Claims: map[string]any{"email": "alice@example.com"}})))
	type account struct {
		token   gate.Token
		pointer *gate.Token
		key     keys.Key
		Exposed gate.Token
		planted []byte
	}
	s := account{token: *t, pointer: t, key: *key, Exposed: *t}
	if a.planted {
		s.planted = secret
	}
	texts := []string{fmt.Sprint(s), fmt.Sprint(&s), fmt.Sprint([]any{s})}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, t), fmt.Sprintf(verb, *t), fmt.Sprintf(verb, *key))
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("account", "account", s, "token", t, "value", *t, "key", key)
	text, _ := json.Marshal(s) // may refuse
	texts = append(texts, log.String(), string(text))
	for _, text := range texts {
		for _, hidden := range []string{t.CSRF(), "alice@example.com", string(secret)} {
			bytesOf := strings.Trim(fmt.Sprint([]byte(hidden)), "[]")
			if strings.Contains(text, hidden) || strings.Contains(text, bytesOf) || strings.Contains(text, hex.EncodeToString([]byte(hidden))) {
				a.gain("%.20q in %.60q", hidden, text)
			}
		}
	}
}

// reused is a request in memory that the transport uses again, as fasthttp does.
type reused struct{ header []byte }

func (reused) Method() string                 { return "GET" }
func (reused) Host() string                   { return "example.com" }
func (reused) Cookies(string) []string        { return nil }
func (reused) Query(string) []string          { return nil }
func (reused) PathValue(string) string        { return "" }
func (reused) Body(int) ([]byte, bool, error) { return nil, true, nil }
func (r reused) Header(name string) []string {
	if !strings.EqualFold(name, "Authorization") {
		return nil
	}
	return []string{unsafe.String(&r.header[0], len(r.header))}
}

func aliased(a *attack) {
	one, two := must(keys.Generate(keys.HS256)).WithID("tenant-a"), must(keys.Generate(keys.HS256)).WithID("tenant-b")
	g := newGate(gate.Config{Keys: must(keys.NewSet(one, two))})
	buffer := []byte("Bearer " + access(newGate(gate.Config{Keys: one}), "alice", gate.TokenOptions{Claims: map[string]any{"scope": "read"}}))
	next := "Bearer " + access(newGate(gate.Config{Keys: two}), "mallo", gate.TokenOptions{Claims: map[string]any{"scope": "root"}})
	t := must(g.CheckRequest(context.Background(), reused{buffer}, gate.Policy{}))
	before := everything(t)
	if a.planted {
		before = unsafe.String(&buffer[0], len(buffer))
	}
	kept := strings.Clone(before)
	copy(buffer, next) // the next request
	after := everything(t)
	if a.planted {
		after = before
	}
	if after != kept {
		a.gain("%.100q became %.100q", kept, after)
	}
}

// everything is all that a token tells.
func everything(t *gate.Token) string {
	var header, claims map[string]any
	return fmt.Sprint(t.Header(&header), header, t.Claims(&claims), claims, t.ID, t.Subject, t.Issuer, t.SessionID, t.Audience, t.Type, t.CSRF(), t.Identity())
}

func disguised(a *attack) {
	private := must(rsa.GenerateKey(rand.Reader, 2048))
	curve := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	takes := func(text string) bool { _, err := keys.HMAC(keys.HS256, []byte(text)); return err == nil }
	if a.planted { // looks for the first line of PEM
		takes = func(text string) bool { return !strings.Contains(text, "-----BEGIN") }
	}
	for name, pub := range map[string]*keys.Key{
		"RSA": must(keys.FromPublic(keys.RS256, &private.PublicKey)), "EC": must(keys.FromPublic(keys.ES256, &curve.PublicKey)),
	} {
		der := must(x509.MarshalPKIXPublicKey(pub.Public()))
		for form, text := range disguises(der, string(must(pub.MarshalJSON()))) {
			if takes(text) {
				a.gain("%s: %s", name, form)
			}
		}
	}
}

// disguises are forms in which settings contain public keys.
func disguises(der []byte, jwk string) map[string]string {
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	lines := strings.Split(strings.TrimSpace(text), "\n")
	body := strings.Join(lines[1:len(lines)-1], "\n")
	std, url := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	return map[string]string{
		"PEM": text, "PEM, \\n written out": strings.ReplaceAll(text, "\n", `\n`),
		"PEM in quotes": `"` + strings.ReplaceAll(text, "\n", `\n`) + `"`, "PEM without BEGIN": strings.SplitN(text, "\n", 2)[1],
		"PEM in base64": std([]byte(text)), "PEM in UTF-16": strings.Join(strings.Split(text, ""), "\x00"),
		"body": body, "body, \\n written out": strings.ReplaceAll(body, "\n", `\n`), "body with spaces": strings.ReplaceAll(body, "\n", " "),
		"body in quotes": `"` + std(der) + `"`, "DER": string(der), "DER and a line end": string(der) + "\n",
		"DER in base64": std(der), "DER in base64, no padding": strings.TrimRight(std(der), "="), "DER in base64url": url(der),
		"DER in hex": hex.EncodeToString(der), "JWK": jwk, "JWK in base64": std([]byte(jwk)),
		"JWK, escaped name": strings.Replace(jwk, `"kty"`, `"\u006bty"`, 1), "JWK in quotes": `"` + strings.ReplaceAll(jwk, `"`, `\"`) + `"`,
		"OpenSSH": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 user@host", "OpenSSH with options": `from="10.0.0.0/8" ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 user@host`,
		"known_hosts": `host.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl`,
	}
}

func issuerKey(a *attack) {
	const bankName, partnerName = "https://bank.example", "https://partner.example"
	bankKey, partnerKey := must(keys.Generate(keys.ES256)), must(keys.Generate(keys.ES256))
	public := func(k *keys.Key) *keys.Key { return must(keys.FromPublic(keys.ES256, k.Public())) }
	issuer := func(name string, k keys.Source) gate.Issuer {
		return gate.Issuer{Name: name, Keys: k, Audiences: []string{"shop"}}
	}
	bank, partner := issuer(bankName, public(bankKey)), issuer(partnerName, public(partnerKey))
	if a.planted {
		bank.Keys = counting{must(keys.NewSet(nil, public(bankKey), public(partnerKey))), new(int)}
	}
	store := must(gatemem.New(gatemem.Options{}))
	g := must(gate.New(gate.Config{Issuers: []gate.Issuer{bank, partner}, Blocklist: store}))
	signs := func(k *keys.Key, name string) *gate.Gate {
		return newGate(gate.Config{Keys: k, Create: gate.Create{Issuer: name, Audience: []string{"shop"}}})
	}
	if t, err := check(g, access(signs(partnerKey, bankName), "admin", gate.TokenOptions{})); err == nil {
		a.gain("the partner's token is the bank's: %v", t)
	}
	// The partner logs the bank's alice out by an identifier of hers.
	raw := access(signs(bankKey, bankName), "alice", gate.TokenOptions{})
	alice := must(check(g, raw))
	same := must(check(g, access(signs(partnerKey, partnerName), "alice", gate.TokenOptions{Claims: map[string]any{"jti": alice.ID}})))
	if err := store.RevokeToken(context.Background(), same, stores.Note{}); err != nil {
		a.Fatal(err)
	}
	if _, err := check(g, raw); err != nil {
		a.gain("alice of the bank is logged out: %v", err)
	}
}

// providersClaims: a user of a provider can set claims, and wants to do without a password,
// and to keep a token that is revoked by its ID.
func providersClaims(a *attack) {
	key := must(keys.Generate(keys.ES256))
	provider := gate.Issuer{Name: "https://id.example", Keys: must(keys.FromPublic(keys.ES256, key.Public())), Audiences: []string{"shop"}, IsGate: a.planted}
	store := must(gatemem.New(gatemem.Options{}))
	g := newGate(gate.Config{Create: gate.Create{Issuer: "https://shop.example"}, Issuers: []gate.Issuer{provider}, Blocklist: store})
	signs := newGate(gate.Config{Keys: key, Create: gate.Create{Issuer: provider.Name, Audience: provider.Audiences}})
	for _, claims := range []map[string]any{{"fresh": true}, {"fresh": 4e9}, {"renewed_jti": "x"}} {
		raw := access(signs, "mallory", gate.TokenOptions{Claims: claims})
		if _, err := g.CheckToken(context.Background(), raw, gate.Policy{Fresh: true}); err == nil {
			a.gain("%v counts as a login", claims)
		}
		t := must(check(g, raw))
		if id := t.RevocationID(); id != t.ID {
			a.gain("%v is revoked as %s, and not by its ID", claims, id)
		}
	}
}

func webSocket(a *attack) {
	g := newGate(gate.Config{Locations: fromCookies, Cookies: gate.Cookies{
		SameSite: http.SameSiteNoneMode, CSRF: gate.CSRF{SkipCheck: a.planted},
	}})
	raw := access(g, "alice", gate.TokenOptions{})
	for _, headers := range []map[string]string{
		{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
		{"Origin": "https://bank.example.evil.example", "Sec-Fetch-Site": "same-site"},
		{"Sec-Fetch-Site": "cross-site"},
	} {
		r := httptest.NewRequest("GET", "https://bank.example/socket", nil)
		r.AddCookie(&http.Cookie{Name: cookie, Value: raw})
		r.Header.Set("Connection", "keep-alive, Upgrade")
		r.Header.Set("Upgrade", "websocket")
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		if _, err := g.Check(r, gate.Policy{}); err == nil {
			a.gain("a handshake with %v", headers)
		}
	}
}
