package oidc_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/oidc"
)

type claims = map[string]any

// provider has one access token as a provider makes it, and tokens of it that a service
// must refuse.
type provider struct {
	name, issuer string
	profile      oidc.Profile
	header       claims
	claims       claims // of an access token, beside iat and exp
	refused      map[string]claims
}

const (
	tenant = "11111111-2222-3333-4444-555555555555"
	other  = "99999999-2222-3333-4444-555555555555"
)

// with returns the claims of the access token, some changed; nil takes one out. Of what
// a gate writes itself, the provider has the claims that it names alone.
func (p provider) with(changes claims) claims {
	all := claims{"type": nil, "fresh": nil, "jti": nil, "nbf": nil, "iss": p.issuer}
	maps.Copy(all, p.claims)
	maps.Copy(all, changes)
	return all
}

func providers() []provider {
	return []provider{
		{
			name: "RFC9068", issuer: "https://as.example", profile: oidc.RFC9068().Only("client_id", "web"), header: claims{"typ": "at+jwt"},
			claims: claims{"jti": "1", "aud": "api", "client_id": "web", "scope": "read"},
			refused: map[string]claims{
				"of another client":   {"client_id": "evil"},
				"without a client":    {"client_id": nil},
				"without an ID":       {"jti": nil},
				"without iat":         {"iat": nil},
				"for another service": {"aud": "other"},
			},
		},
		{
			name: "EntraV1", issuer: "https://sts.windows.net/{tenantid}/", profile: oidc.EntraV1().Only("tid", tenant),
			claims: claims{"iss": "https://sts.windows.net/" + tenant + "/", "aud": "api", "ver": "1.0", "tid": tenant, "appid": "web", "appidacr": "1",
				"oid": "o", "uti": "u", "scp": "read", "amr": []string{"pwd"}},
			refused: map[string]claims{
				"an ID token":         {"appid": nil, "scp": nil, "nonce": "n"},
				"an ID token, bare":   {"appid": nil, "scp": nil},
				"of another tenant":   {"iss": "https://sts.windows.net/" + other + "/", "tid": other},
				"of two tenants":      {"iss": "https://sts.windows.net/" + other + "/"},
				"without a tenant":    {"tid": nil},
				"of another version":  {"ver": "2.0"},
				"for another service": {"aud": "https://graph.microsoft.com"},
			},
		},
		{
			name: "EntraV2", issuer: "https://login.microsoftonline.com/{tenantid}/v2.0", profile: oidc.EntraV2(),
			claims: claims{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0", "aud": "api", "ver": "2.0", "tid": tenant, "azp": "web", "azpacr": "1",
				"oid": "o", "uti": "u", "scp": "read", "name": "Alice"},
			refused: map[string]claims{
				"an ID token":         {"azp": nil, "scp": nil, "nonce": "n"},
				"an ID token, bare":   {"azp": nil, "scp": nil},
				"of two tenants":      {"tid": other},
				"of another version":  {"ver": "1.0"},
				"for another service": {"aud": "web"},
			},
		},
		{
			name: "EntraB2C", issuer: "https://shop.b2clogin.com/" + tenant + "/v2.0/", profile: oidc.EntraB2C().Only("tfp", "B2C_1_in"),
			claims: claims{"aud": "api", "ver": "1.0", "azp": "web", "tfp": "B2C_1_in", "nonce": "n", "scp": "read", "oid": "o"},
			refused: map[string]claims{
				"an ID token":          {"azp": nil, "scp": nil, "at_hash": "x"},
				"an ID token, bare":    {"azp": nil, "scp": nil},
				"of another user flow": {"tfp": "B2C_1_test"},
				"for another service":  {"aud": "web"},
			},
		},
		{
			name: "Auth0", issuer: "https://shop.eu.auth0.com/", profile: oidc.Auth0(),
			claims: claims{"sub": "auth0|1", "aud": []string{"api", "https://shop.eu.auth0.com/userinfo"}, "azp": "web", "scope": "openid read"},
			refused: map[string]claims{
				"an ID token":                     {"aud": "web", "azp": nil, "nonce": "n"},
				"an ID token for the same name":   {"aud": "api", "azp": nil, "sid": "s"},
				"an ID token with azp and nonce":  {"aud": "api", "nonce": "n"},
				"for the user info endpoint only": {"aud": "https://shop.eu.auth0.com/userinfo"},
			},
		},
		{
			name: "Okta", issuer: "https://shop.okta.com/oauth2/default", profile: oidc.Okta(),
			claims: claims{"jti": "AT.1", "ver": 1, "aud": "api", "cid": "web", "uid": "u", "scp": []string{"read"}, "auth_time": 1},
			refused: map[string]claims{
				"an ID token":         {"jti": "ID.1", "aud": "web", "cid": nil, "scp": nil, "nonce": "n", "at_hash": "x"},
				"an ID token, bare":   {"jti": "ID.1", "cid": nil, "scp": nil},
				"for another service": {"aud": "https://shop.okta.com"},
			},
		},
		{
			name: "Keycloak", issuer: "https://login.example/realms/main", profile: oidc.Keycloak().Only("azp", "web", "app"),
			claims: claims{"jti": "1", "aud": []string{"api", "account"}, "typ": "Bearer", "azp": "web", "sid": "s", "session_state": "s", "acr": "1", "nonce": "n",
				"realm_access": claims{"roles": []string{"user"}}, "scope": "openid read"},
			refused: map[string]claims{
				"an ID token":                  {"typ": "ID", "aud": "web", "at_hash": "x"},
				"an ID token, for api too":     {"typ": "ID"},
				"a refresh token":              {"typ": "Refresh", "aud": "https://login.example/realms/main"},
				"a refresh token, for api too": {"typ": "Refresh"},
				"an offline token":             {"typ": "Offline"},
				"a logout token":               {"typ": "Logout"},
				"one that needs a proof":       {"typ": "DPoP"},
				"of no type":                   {"typ": nil},
				"of another client":            {"azp": "evil"},
				"for the account alone":        {"aud": "account"},
			},
		},
		{
			name: "Cognito", issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x", profile: oidc.Cognito(),
			claims: claims{"jti": "1", "aud": nil, "client_id": "api", "token_use": "access", "scope": "read", "username": "alice", "auth_time": 1, "origin_jti": "0", "version": 2},
			refused: map[string]claims{
				"an ID token":       {"token_use": "id", "aud": "api", "client_id": nil, "cognito:username": "alice"},
				"of another client": {"client_id": "evil"},
				"of a list":         {"client_id": []string{"api"}},
				"of no client":      {"client_id": nil},
				"of no use":         {"token_use": nil},
			},
		},
		{
			name: "Google", issuer: "https://accounts.google.com", profile: oidc.Google().Only("email", "push@shop.iam.gserviceaccount.com"),
			claims: claims{"aud": "api", "azp": "117", "email": "push@shop.iam.gserviceaccount.com", "email_verified": true},
			refused: map[string]claims{
				"of another account":         {"email": "evil@evil.iam.gserviceaccount.com"},
				"of no account":              {"email": nil},
				"of an address not verified": {"email_verified": false},
				"of an address, unsaid":      {"email_verified": nil},
				"of an address, in a number": {"email_verified": 1},
				"an ID token of a login":     {"at_hash": "x"},
				"an ID token with its nonce": {"nonce": "n"},
				"for another service":        {"aud": "https://other.example"},
			},
		},
		{
			name: "Firebase", issuer: "https://securetoken.google.com/api", profile: oidc.Firebase(),
			claims: claims{"aud": "api", "user_id": "u", "auth_time": 1, "firebase": claims{"sign_in_provider": "password", "identities": claims{}}},
			refused: map[string]claims{
				"of another project":        {"aud": "other"},
				"a session cookie's issuer": {"iss": "https://session.firebase.google.com/api"},
				"a custom token":            {"firebase": nil, "uid": "u"},
				"of no login":               {"auth_time": nil},
			},
		},
		{
			name: "GitHubActions", issuer: "https://token.actions.githubusercontent.com", profile: oidc.GitHubActions().Only("repository_id", "74"),
			claims: claims{"jti": "1", "aud": "api", "sub": "repo:acme/shop:ref:refs/heads/main", "repository": "acme/shop", "repository_id": "74", "repository_owner": "acme",
				"workflow_ref": "acme/shop/.github/workflows/x.yml@refs/heads/main", "run_id": "1", "ref": "refs/heads/main"},
			refused: map[string]claims{
				"of another repository":                   {"repository_id": "75"},
				"of a number, though the claim is a text": {"repository_id": 74},
				"of no repository":                        {"repository_id": nil},
				"for another service":                     {"aud": "sts.amazonaws.com"},
			},
		},
		{
			name: "GitLab", issuer: "https://gitlab.com", profile: oidc.GitLab().Only("project_path", "acme/shop"),
			claims: claims{"jti": "1", "aud": "api", "sub": "project_path:acme/shop:ref_type:branch:ref:main", "project_path": "acme/shop", "project_id": "7",
				"namespace_path": "acme", "job_id": "1", "pipeline_id": "2", "ref_protected": "true"},
			refused: map[string]claims{
				"an ID token of a login": {"project_path": nil, "job_id": nil, "pipeline_id": nil, "nonce": "n", "auth_time": 1},
				"of another project":     {"project_path": "acme/other"},
				"of a project below":     {"project_path": "acme/shop/x"},
				"for another service":    {"aud": "vault"},
			},
		},
		{
			name: "Kubernetes", issuer: "https://kubernetes.default.svc.cluster.local", profile: oidc.Kubernetes().Only("sub", "system:serviceaccount:shop:web"),
			claims: claims{"aud": []string{"api"}, "sub": "system:serviceaccount:shop:web",
				"kubernetes.io": claims{"namespace": "shop", "serviceaccount": claims{"name": "web", "uid": "u"}, "pod": claims{"name": "web-1", "uid": "u"}}},
			refused: map[string]claims{
				"of another account":     {"sub": "system:serviceaccount:shop:other"},
				"of a secret, no expiry": {"exp": nil},
				"of a secret, no aud":    {"aud": nil},
				"for the API server":     {"aud": []string{"https://kubernetes.default.svc.cluster.local"}},
				"of no pod or account":   {"kubernetes.io": nil},
			},
		},
	}
}

// publicOf is the set that an issuer publishes.
func publicOf(k *keys.Key) *keys.Set {
	return must(keys.NewSet(nil, must(keys.FromPublic(k.Algorithm(), k.Public())).WithID(k.ID())))
}

// Each provider's access token is accepted, and its other tokens are not.
func TestProviders(t *testing.T) {
	key := must(keys.Generate(keys.RS256)).WithID("k1")
	for _, p := range providers() {
		t.Run(p.name, func(t *testing.T) {
			issuer := must(p.profile.Issuer(gate.Issuer{Name: p.issuer, Keys: publicOf(key), Audiences: []string{"api"}}))
			g := must(gate.New(gate.Config{Issuers: []gate.Issuer{issuer}}))
			refused := func(what string, c claims) {
				t.Helper()
				_, err := g.CheckToken(t.Context(), gatetest.TokenWithHeader(t, key, p.header, p.with(c)), gate.Policy{})
				if !errors.Is(err, gate.ErrInvalid) && !errors.Is(err, gate.ErrWrongType) {
					t.Errorf("%s: %v", what, err)
				}
			}
			tok, err := g.CheckToken(t.Context(), gatetest.TokenWithHeader(t, key, p.header, p.with(nil)), gate.Policy{})
			if err != nil || tok.VerifiedIssuer() == "" {
				t.Fatalf("an access token: %v", err)
			}
			for what, c := range p.refused {
				refused(what, c)
			}
			for claim, values := range p.profile.Claims {
				refused("without "+claim, claims{claim: nil})
				refused("with an empty "+claim, claims{claim: ""})
				if len(values) > 0 {
					refused("with another "+claim, claims{claim: "x"})
				}
			}
			for _, claim := range p.profile.Absent {
				refused("with "+claim, claims{claim: "x"})
			}
			refused("bound to a key", claims{"cnf": claims{"jkt": "x"}})
			refused("bound to a certificate", claims{"cnf": claims{"x5t#S256": "x"}})
			refused("of another issuer", claims{"iss": "https://evil.example"})
			refused("for another service", claims{"aud": "x", "client_id": "x"})
			refused("of type refresh", claims{"type": "refresh"})
		})
	}
}

// A service that checks the proof says so. "true" is true as text too, as some write it.
func TestProfileClaims(t *testing.T) {
	key := must(keys.Generate(keys.ES256)).WithID("k1")
	profile := oidc.RFC9068().Only("email", "a@b.example")
	profile.Claims["cnf"] = nil
	g := must(gate.New(gate.Config{Issuers: []gate.Issuer{must(profile.Issuer(gate.Issuer{Name: name, Keys: publicOf(key), Audiences: []string{"api"}}))}}))
	for _, tt := range []struct {
		name    string
		changes claims
		want    error
	}{
		{"with a proof", nil, nil},
		{"without", claims{"cnf": nil}, gate.ErrInvalid},
		{"true as text", claims{"email_verified": "true"}, nil},
		{"false as text", claims{"email_verified": "false"}, gate.ErrInvalid},
	} {
		c := claims{"iss": name, "aud": "api", "client_id": "web", "cnf": claims{"jkt": "x"}, "email": "a@b.example", "email_verified": true, "type": nil, "fresh": nil}
		for claim, v := range tt.changes {
			c[claim] = v
		}
		if tok, err := g.CheckToken(t.Context(), gatetest.TokenWithHeader(t, key, claims{"typ": "at+jwt"}, c), gate.Policy{}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.name, tok, err, tt.want)
		}
	}
}

// What everybody can get a token for has to be limited, and a service needs a name.
func TestProfileIssuer(t *testing.T) {
	key := publicOf(must(keys.Generate(keys.ES256)))
	for _, tt := range []struct {
		name      string
		profile   oidc.Profile
		audiences []string
		want      string
	}{
		{"GitHub, everybody", oidc.GitHubActions(), []string{"api"}, "limit one of the claims repository_id"},
		{"GitHub, by another claim", oidc.GitHubActions().Only("ref", "refs/heads/main"), []string{"api"}, "limit one of the claims"},
		{"GitHub, by no value", oidc.GitHubActions().Only("repository"), []string{"api"}, "limit one of the claims"},
		{"GitHub, one owner", oidc.GitHubActions().Only("repository_owner", "acme"), []string{"api"}, ""},
		{"Keycloak, clients of an empty list", oidc.Keycloak().Only("azp"), []string{"api"}, "the claim azp is limited to no value"},
		{"Keycloak, a client of an unset variable", oidc.Keycloak().Only("azp", "web", ""), []string{"api"}, "the claim azp is limited to no value"},
		{"an empty list made by hand", oidc.Profile{Claims: map[string][]string{"azp": {}}}, []string{"api"}, "the claim azp is limited to no value"},
		{"any value", oidc.Profile{Claims: map[string][]string{"azp": nil}}, []string{"api"}, ""},
		{"GitLab, everybody", oidc.GitLab(), []string{"api"}, "limit one of the claims"},
		{"Google, everybody", oidc.Google(), []string{"api"}, "limit one of the claims email, sub"},
		{"Cognito, no client", oidc.Cognito(), nil, "client_id must be one of them"},
		{"Keycloak, no audience", oidc.Keycloak(), nil, "no Audiences"},
		{"another gate", oidc.Profile{}, []string{"api"}, ""},
		{"a profile made by hand", oidc.Profile{}.Only("use", "api"), []string{"api"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, err := tt.profile.Issuer(gate.Issuer{Name: name, Keys: key, Audiences: tt.audiences})
			if err == nil {
				_, err = gate.New(gate.Config{Issuers: []gate.Issuer{i}})
			}
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := oidc.Discover(t.Context(), name, oidc.Options{Audiences: []string{"api"}, Profile: oidc.GitLab(),
		Keys: network{document: metadata(name, "https://keys.example/set")}.options()}); err == nil {
		t.Error("Discover takes a profile that everybody can meet")
	}
}

// The reason says what is wrong, and no value of the token.
func TestRefusalsHaveReasons(t *testing.T) {
	p := providers()[6]
	key := must(keys.Generate(keys.ES256)).WithID("k1")
	g := must(gate.New(gate.Config{Issuers: []gate.Issuer{must(p.profile.Issuer(gate.Issuer{Name: p.issuer, Keys: publicOf(key), Audiences: []string{"api"}}))}}))
	for want, c := range map[string]claims{
		"the claim typ is not Bearer":      {"typ": "secret-Refresh"},
		"the claim azp is not web or app":  {"azp": "secret-evil"},
		"the claim azp is empty":           {"azp": ""},
		"issuer have is missing: azp, typ": {"typ": nil, "azp": nil},
	} {
		_, err := g.CheckToken(t.Context(), gatetest.TokenWithHeader(t, key, nil, p.with(c)), gate.Policy{})
		var e *gate.Error
		if !errors.As(err, &e) || e.Reason != "issuer_check" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v, want %q", c, err, want)
		}
	}
}
