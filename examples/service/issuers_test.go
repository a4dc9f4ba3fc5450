package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

type claims = map[string]any

// issuer plays one of the three that the service knows: a server with its document and its
// keys, and the claims of its access tokens.
type issuer struct {
	name   string
	key    *keys.Key
	claims claims
	header claims
	server *httptest.Server
	down   atomic.Bool // whether it has no keys for anybody
}

// newIssuer starts the server of an issuer whose name has this path.
func newIssuer(t *testing.T, alg keys.Algorithm, path string, withoutAlg bool) *issuer {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.NewSet(nil, key.WithID("2030-01"))
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: set.Keys()[0]}
	publish := jwks.Handler(set, time.Minute)
	if withoutAlg {
		publish = bareKeys(t, i.key)
	}
	mux := http.NewServeMux()
	i.server = httptest.NewServer(mux)
	t.Cleanup(i.server.Close)
	i.name = i.server.URL + path
	document, err := jwks.Metadata(i.name, i.server.URL+"/keys", set)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle(path+"/.well-known/openid-configuration", document)
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		if i.down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		publish.ServeHTTP(w, r)
	})
	return i
}

// bareKeys publishes a key as Entra does, without "alg" and with an "issuer".
func bareKeys(t *testing.T, key *keys.Key) http.Handler {
	t.Helper()
	text, err := key.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var jwk claims
	if err := json.Unmarshal(text, &jwk); err != nil {
		t.Fatal(err)
	}
	delete(jwk, "alg")
	jwk["issuer"] = "https://login.microsoftonline.com/{tenantid}/v2.0"
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string][]claims{"keys": {jwk}})
	})
}

// token is an access token of alice, with changes.
func (i *issuer) token(t *testing.T, changes claims) string {
	t.Helper()
	all := maps.Clone(i.claims)
	all["iss"] = i.name
	maps.Copy(all, changes)
	return gatetest.TokenWithHeader(t, i.key, i.header, all)
}

// issuers are those that the service knows.
type issuers struct{ login, entra, keycloak *issuer }

const tenant, staffApp = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"

func newIssuers(t *testing.T) issuers {
	t.Helper()
	i := issuers{newIssuer(t, keys.ES256, "", false), newIssuer(t, keys.RS256, "/"+tenant+"/v2.0", true), newIssuer(t, keys.RS256, "/realms/shop", false)}
	i.login.name = "https://login.example"
	i.login.claims = claims{"aud": "orders", "scope": "orders:read orders:write"}
	i.entra.header = claims{"x5t": "2030-01"}
	i.entra.claims = claims{
		"aud": "api://orders", "ver": "2.0", "tid": tenant, "azp": staffApp, "azpacr": "1", "oid": "o", "uti": "u", "rh": "0.",
		"scp": "orders:read orders:write", "name": "Alice", "type": nil, "fresh": nil, "jti": nil,
	}
	i.keycloak.claims = claims{
		"aud": []string{"orders", "account"}, "typ": "Bearer", "azp": "shop", "sid": "s", "session_state": "s", "acr": "1",
		"realm_access": claims{"roles": []string{"customer"}}, "scope": "openid orders:read orders:write", "type": nil, "fresh": nil,
	}
	return i
}

// flags are the arguments that lead the service to these issuers.
func (i issuers) flags() []string {
	return []string{
		"-dev", "-login-keys", i.login.server.URL + "/keys", "-entra", i.entra.name, "-entra-client", staffApp, "-keycloak", i.keycloak.name,
	}
}

// foreign returns tokens that their issuer has made for something else, and tokens whose
// issuer the service does not know.
func (i issuers) foreign(t *testing.T) map[string]string {
	t.Helper()
	const other = "99999999-2222-3333-4444-555555555555"
	entra, keycloak := i.entra, i.keycloak
	return map[string]string{
		"Entra: another tenant":                entra.token(t, claims{"iss": entra.server.URL + "/" + other + "/v2.0", "tid": other}),
		"Entra: no tenant":                     entra.token(t, claims{"tid": nil}),
		"Entra: another application":           entra.token(t, claims{"azp": other}),
		"Entra: another service":               entra.token(t, claims{"aud": "api://billing"}),
		"Entra: version 1.0":                   entra.token(t, claims{"ver": "1.0", "azp": nil, "appid": staffApp}),
		"Entra: an ID token":                   entra.token(t, claims{"aud": staffApp, "azp": nil, "scp": nil, "nonce": "n"}),
		"Entra: an ID token for the service":   entra.token(t, claims{"azp": nil, "scp": nil}),
		"Keycloak: another realm":              keycloak.token(t, claims{"iss": keycloak.server.URL + "/realms/other"}),
		"Keycloak: another client":             keycloak.token(t, claims{"azp": "crawler"}),
		"Keycloak: the account alone":          keycloak.token(t, claims{"aud": "account"}),
		"Keycloak: an ID token":                keycloak.token(t, claims{"typ": "ID", "aud": "shop", "nonce": "n"}),
		"Keycloak: an ID token for it":         keycloak.token(t, claims{"typ": "ID"}),
		"Keycloak: a refresh token":            keycloak.token(t, claims{"typ": "Refresh", "aud": keycloak.name}),
		"Keycloak: a refresh token for it":     keycloak.token(t, claims{"typ": "Refresh"}),
		"Keycloak: an offline token":           keycloak.token(t, claims{"typ": "Offline"}),
		"the key of Keycloak for Entra":        keycloak.token(t, with(entra.claims, entra.name)),
		"the key of Keycloak for the login":    keycloak.token(t, with(i.login.claims, i.login.name)),
		"the key of the login for Keycloak":    i.login.token(t, with(keycloak.claims, keycloak.name)),
		"the claims of Entra from Keycloak":    keycloak.token(t, with(entra.claims, keycloak.name)),
		"a token of the login that refreshes":  i.login.token(t, claims{"type": "refresh"}),
		"a token of the login for a new login": i.login.token(t, claims{"type": "reset"}),
	}
}

// with returns claims with another issuer.
func with(all claims, issuer string) claims {
	all = maps.Clone(all)
	all["iss"] = issuer
	return all
}
