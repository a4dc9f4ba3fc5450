package bench_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	auth0jwks "github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	golang "github.com/golang-jwt/jwt/v5"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

const remoteIssuer, remoteAudience = "https://issuer.example/", "api"

// addRemote compares libraries that verify with the JWK Set behind a URL: signature,
// issuer, audience and times of one access token, with the set in the cache of each.
// The floor is a gate with the same keys in memory, that does not remember tokens.
func addRemote(t *testing.T) {
	set := must(keys.NewSet(must(keys.Generate(keys.ES256)).WithID("active")))
	issuing := gate.Create{Issuer: remoteIssuer, Audience: []string{remoteAudience}}
	tok := must(must(gate.New(gate.Config{Keys: set, Create: issuing})).CreateAccessToken(t.Context(), claims.Sub, gate.TokenOptions{}))
	srv := httptest.NewServer(jwks.Handler(set, 0))
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)

	source := remote(t, set)
	withCache := func(source keys.Source, entries int) *gate.Gate {
		return must(gate.New(gate.Config{Keys: source, Create: issuing, Accept: gate.Accept{Limits: gate.Limits{CacheEntries: entries}}}))
	}
	add("remote", "ES256", "floor", checkGate(withCache(set, -1), tok))
	add("remote", "ES256", "gate", checkGate(withCache(source, -1), tok))
	add("remote", "ES256", "gate-hit", checkGate(withCache(source, 0), tok))
	add("remote", "ES256", "go-oidc", checkOIDC(ctx, srv.URL, tok))
	add("remote", "ES256", "golang-jwt+keyfunc", checkKeyfunc(ctx, srv.URL, tok))
	add("remote", "ES256", "auth0", checkAuth0(srv.URL, tok))
}

func checkOIDC(ctx context.Context, url, tok string) func() error {
	v := oidc.NewVerifier(remoteIssuer, oidc.NewRemoteKeySet(ctx, url), &oidc.Config{ClientID: remoteAudience, SupportedSigningAlgs: []string{oidc.ES256}})
	return func() error {
		t, err := v.Verify(ctx, tok)
		if err != nil {
			return err
		}
		return same(t.Subject, nil)
	}
}

func checkKeyfunc(ctx context.Context, url, tok string) func() error {
	k := must(keyfunc.NewDefaultCtx(ctx, []string{url}))
	parser := golang.NewParser(golang.WithValidMethods([]string{"ES256"}), golang.WithIssuer(remoteIssuer), golang.WithAudience(remoteAudience), golang.WithExpirationRequired())
	return func() error {
		var c golang.RegisteredClaims
		_, err := parser.ParseWithClaims(tok, &c, k.Keyfunc)
		return same(c.Subject, err)
	}
}

func checkAuth0(address, tok string) func() error {
	p := must(auth0jwks.NewCachingProvider(
		auth0jwks.WithIssuerURL(must(url.Parse(remoteIssuer))), auth0jwks.WithCustomJWKSURI(must(url.Parse(address))), auth0jwks.WithCacheTTL(time.Hour),
	))
	v := must(validator.New(
		validator.WithKeyFunc(p.KeyFunc), validator.WithAlgorithm(validator.ES256),
		validator.WithIssuer(remoteIssuer), validator.WithAudience(remoteAudience),
	))
	return func() error {
		c, err := v.ValidateToken(context.Background(), tok)
		if err != nil {
			return err
		}
		return same(c.(*validator.ValidatedClaims).RegisteredClaims.Subject, nil)
	}
}
