// Package oidc accepts tokens of OpenID providers and of other OAuth 2.0 servers.
//
// [Discover] finds the keys of an issuer, for a service that accepts its access tokens:
//
//	issuer, err := oidc.Discover(ctx, "https://login.example/realms/main", oidc.Options{
//		Audiences: []string{"orders"},
//		Profile:   oidc.Keycloak(),
//	})
//	g, err := gate.New(gate.Config{Issuers: []gate.Issuer{issuer}})
//
// A [Profile] says how the access tokens of a provider differ from its other tokens.
//
// [DiscoverLogin] is for an application whose users log in at the provider. It returns a
// [Login], which checks ID tokens. An ID token must not give access to an API, and an
// access token does not prove a login.
package oidc
