package oidc_test

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/oidc"
)

const accessToken = "opaque-access-token"

// atHash is the at_hash of accessToken for a hash.
func atHash(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) }

func sum256(s string) []byte { h := sha256.Sum256([]byte(s)); return h[:] }

// login returns the login of the client "web" at a provider with this key.
func login(t *testing.T, key *keys.Key) *oidc.Login {
	t.Helper()
	n := network{document: metadata(name, "https://keys.example/set"), "https://keys.example/set": string(must(publicOf(key).MarshalJSON()))}
	l, err := oidc.DiscoverLogin(t.Context(), name, "web", oidc.Options{Keys: n.options()})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// idToken signs an ID token of the provider for the client "web", with changes.
func idToken(t *testing.T, key *keys.Key, header, changes claims) string {
	t.Helper()
	c := claims{"type": nil, "fresh": nil, "jti": nil, "nbf": nil, "iss": name, "aud": "web", "nonce": "n-1"}
	for claim, v := range changes {
		c[claim] = v
	}
	return gatetest.TokenWithHeader(t, key, header, c)
}

func TestLogin(t *testing.T) {
	key := must(keys.Generate(keys.ES256)).WithID("k1")
	stranger := must(keys.Generate(keys.ES256)).WithID("k1")
	l := login(t, key)
	if l.AuthURL != "https://login.example/auth" || l.TokenURL != "https://login.example/token" {
		t.Errorf("endpoints %q and %q", l.AuthURL, l.TokenURL)
	}
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	nonce := oidc.Demands{Nonce: "n-1"}
	withToken := oidc.Demands{Nonce: "n-1", AccessToken: accessToken}
	recent := oidc.Demands{Nonce: "n-1", MaxAge: 10 * time.Minute}
	for _, tt := range []struct {
		name    string
		key     *keys.Key
		header  claims
		claims  claims
		demands oidc.Demands
		want    error // nil: accepted
	}{
		{"plain", key, nil, nil, nonce, nil},
		{"without typ", key, claims{"typ": nil}, nil, nonce, nil},
		{"of Keycloak", key, nil, claims{"typ": "ID", "azp": "web", "sid": "s", "jti": "1"}, nonce, nil},
		{"of Cognito", key, nil, claims{"token_use": "id"}, nonce, nil},
		{"with azp and several audiences", key, nil, claims{"aud": []string{"web", "api"}, "azp": "web"}, nonce, nil},
		{"with at_hash", key, nil, claims{"at_hash": atHash(sum256(accessToken))}, withToken, nil},
		{"without at_hash", key, nil, nil, withToken, nil},
		{"recent", key, nil, claims{"auth_time": ago(9 * time.Minute)}, recent, nil},
		{"recent, within the difference of clocks", key, nil, claims{"auth_time": ago(10*time.Minute + 30*time.Second)}, recent, nil},
		{"refreshed", key, nil, claims{"nonce": nil}, oidc.Demands{NoNonce: true}, nil},

		{"of another key", stranger, nil, nil, nonce, gate.ErrInvalid},
		{"of another issuer", key, nil, claims{"iss": "https://evil.example"}, nonce, gate.ErrInvalid},
		{"for another client", key, nil, claims{"aud": "other"}, nonce, gate.ErrInvalid},
		{"without aud", key, nil, claims{"aud": nil}, nonce, gate.ErrInvalid},
		{"made for another client", key, nil, claims{"azp": "other"}, nonce, gate.ErrInvalid},
		{"for several, made for another client", key, nil, claims{"aud": []string{"web", "other"}, "azp": "other"}, nonce, gate.ErrInvalid},
		{"for several, made for nobody", key, nil, claims{"aud": []string{"web", "other"}}, nonce, gate.ErrInvalid},
		{"azp of another type", key, nil, claims{"azp": []string{"web"}}, nonce, gate.ErrInvalid},
		{"expired", key, nil, claims{"exp": ago(time.Second)}, nonce, gate.ErrExpired},
		{"without exp", key, nil, claims{"exp": nil}, nonce, gate.ErrInvalid},
		{"without iat", key, nil, claims{"iat": nil}, nonce, gate.ErrInvalid},
		{"of the future", key, nil, claims{"iat": ago(-time.Hour)}, nonce, gate.ErrInvalid},
		{"without sub", key, nil, claims{"sub": nil}, nonce, gate.ErrInvalid},
		{"an access token by RFC 9068", key, claims{"typ": "at+jwt"}, nil, nonce, gate.ErrInvalid},
		{"the same with its prefix", key, claims{"typ": "application/AT+JWT"}, nil, nonce, gate.ErrInvalid},
		{"an access token of Keycloak", key, nil, claims{"typ": "Bearer"}, nonce, gate.ErrInvalid},
		{"a refresh token of Keycloak", key, nil, claims{"typ": "Refresh"}, nonce, gate.ErrInvalid},
		{"an access token of B2C", key, nil, claims{"scp": "read", "azp": "web", "tfp": "B2C_1_in"}, nonce, gate.ErrInvalid},
		{"a logout token", key, nil, claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}}}, nonce, gate.ErrInvalid},
		{"an access token of Okta", key, nil, claims{"scp": []string{"read"}, "cid": "web"}, nonce, gate.ErrInvalid},
		{"an access token of Cognito", key, nil, claims{"token_use": "access"}, nonce, gate.ErrInvalid},
		{"a refresh token of a gate", key, nil, claims{"type": "refresh"}, nonce, gate.ErrWrongType},

		{"of another login", key, nil, claims{"nonce": "n-2"}, nonce, oidc.ErrNonce},
		{"of no login", key, nil, claims{"nonce": nil}, nonce, oidc.ErrNonce},
		{"of another access token", key, nil, claims{"at_hash": atHash(sum256("x"))}, withToken, oidc.ErrAccessToken},
		{"with an empty at_hash", key, nil, claims{"at_hash": ""}, withToken, oidc.ErrAccessToken},
		{"old", key, nil, claims{"auth_time": ago(12 * time.Minute)}, recent, oidc.ErrLoginTime},
		{"of unknown age", key, nil, nil, recent, oidc.ErrLoginTime},
		{"of a login to come", key, nil, claims{"auth_time": ago(-time.Hour)}, recent, oidc.ErrLoginTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok, err := l.Check(t.Context(), idToken(t, tt.key, tt.header, tt.claims), tt.demands)
			switch {
			case !errors.Is(err, tt.want) || (tok == nil) != (err != nil):
				t.Errorf("Check = %v, %v; want the error %v", tok, err, tt.want)
			case err == nil && (tok.Subject != "alice" || tok.VerifiedIssuer() != name):
				t.Errorf("Check = %v of %q", tok, tok.VerifiedIssuer())
			}
		})
	}
}

// The hash of at_hash is that of the algorithm of the ID token.
func TestAccessTokenHash(t *testing.T) {
	h384, h512 := sha512.Sum384([]byte(accessToken)), sha512.Sum512([]byte(accessToken))
	for alg, hash := range map[keys.Algorithm]string{
		keys.RS256: atHash(sum256(accessToken)), keys.PS256: atHash(sum256(accessToken)), keys.ES384: atHash(h384[:]), keys.ES512: atHash(h512[:]), keys.EdDSA: atHash(h512[:]),
	} {
		key := must(keys.Generate(alg)).WithID("k1")
		l := login(t, key)
		for hash, want := range map[string]error{hash: nil, hash[1:]: oidc.ErrAccessToken} {
			raw := idToken(t, key, nil, claims{"at_hash": hash})
			if _, err := l.Check(t.Context(), raw, oidc.Demands{Nonce: "n-1", AccessToken: accessToken}); !errors.Is(err, want) {
				t.Errorf("%s with at_hash %q: %v, want %v", alg, hash, err, want)
			}
		}
	}
}

// A caller that forgets the nonce, claims of a wrong type, and keys that cannot be had
// are errors, and nobody is logged in.
func TestLoginFailsClosed(t *testing.T) {
	key := must(keys.Generate(keys.ES256)).WithID("k1")
	l := login(t, key)
	if _, err := l.Check(t.Context(), idToken(t, key, nil, claims{"nonce": ""}), oidc.Demands{}); err == nil || !strings.Contains(err.Error(), "Nonce is empty") {
		t.Errorf("no nonce: %v", err)
	}
	for _, c := range []claims{{"nonce": 1}, {"at_hash": 1}, {"auth_time": "now"}} {
		if _, err := l.Check(t.Context(), idToken(t, key, nil, c), oidc.Demands{NoNonce: true}); err == nil {
			t.Errorf("%v is accepted", c)
		}
	}
	for _, tt := range []struct {
		name, client string
		network      network
		want         string
	}{
		{"no client", "", network{document: metadata(name, "https://keys.example/set")}, "no client ID"},
		{"no document", "web", network{}, "status 404"},
		{"another's document", "web", network{document: metadata("https://evil.example", "https://keys.example/set")}, "of the issuer"},
		{"no keys", "web", network{document: metadata(name, "")}, "jwks_uri"},
		{"no page for logins", "web", network{document: strings.Replace(metadata(name, "https://k.example"), "https://login.example/auth", "", 1)}, "authorization_endpoint"},
		{"a page of scripts", "web", network{document: strings.Replace(metadata(name, "https://k.example"), "https://login.example/auth", "javascript:alert(1)", 1)}, "authorization_endpoint"},
		{"the secret by http", "web", network{document: strings.Replace(metadata(name, "https://k.example"), "https://login.example/token", "http://login.example/token", 1)}, "token_endpoint"},
	} {
		_, err := oidc.DiscoverLogin(t.Context(), name, tt.client, oidc.Options{Keys: tt.network.options()})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	down := network{document: metadata(name, "https://keys.example/set"), "https://keys.example/set": "down"}
	l = must(oidc.DiscoverLogin(t.Context(), name, "web", oidc.Options{Keys: down.options()}))
	_, err := l.Check(context.Background(), idToken(t, key, nil, nil), oidc.Demands{Nonce: "n-1"})
	if r := (*gate.Error)(nil); err == nil || errors.As(err, &r) {
		t.Errorf("without keys: %v; want a failure and no refusal", err)
	}
}
