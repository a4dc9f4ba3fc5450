package oidc

import "github.com/jwtgate/gate"

// foreign accepts tokens of providers, which have no "type" and no "fresh" as a gate
// writes them.
var foreign = gate.Lenient{AnyType: true, AnyFresh: true}

// foreignNoID also accepts tokens without "jti".
var foreignNoID = gate.Lenient{AnyType: true, AnyFresh: true, NoID: true}

// ofIDToken lists claims that only ID tokens have (OpenID Connect Core 1.0 sections 2 and
// 3.3.2.11).
func ofIDToken() []string { return []string{"nonce", "at_hash", "c_hash"} }

// RFC9068 is for access tokens by RFC 9068, with the header "typ": "at+jwt". Limit the
// clients with Only("client_id", ...).
func RFC9068() Profile {
	return Profile{
		HeaderTypes: []string{"at+jwt"}, Lenient: foreign,
		Claims: map[string][]string{"client_id": nil, "iat": nil},
	}
}

// EntraV1 is for tokens of version 1.0 of Microsoft Entra. The issuer is
// https://sts.windows.net/{tenantid}/. To accept one tenant only, write its ID in place of
// {tenantid}. Set Options.URL to
// https://login.microsoftonline.com/common/.well-known/openid-configuration. Limit clients
// with Only("appid", ...), and tenants with Only("tid", ...).
func EntraV1() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"ver": {"1.0"}, "tid": nil, "appid": nil}, Absent: ofIDToken()}
}

// EntraV2 is for tokens of version 2.0 of Microsoft Entra. The issuer is
// https://login.microsoftonline.com/{tenantid}/v2.0. To accept one tenant only, write its
// ID in place of {tenantid}. Limit clients with Only("azp", ...), and tenants with Only("tid", ...).
func EntraV2() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"ver": {"2.0"}, "tid": nil, "azp": nil}, Absent: ofIDToken()}
}

// EntraB2C is for Azure AD B2C. Set Options.URL to the URL of the user flow's document,
// because the name of the issuer contains only the tenant. Limit clients with Only("azp", ...),
// and user flows with Only("tfp", ...) or Only("acr", ...).
func EntraB2C() Profile {
	// Access tokens have the "nonce" of the login too.
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"ver": {"1.0"}, "azp": nil}, Absent: []string{"at_hash", "c_hash"}}
}

// Auth0 is for Auth0's own format of access tokens. For an API with the RFC 9068 profile
// use [RFC9068]. The name of the issuer ends with a slash. Limit clients with Only("azp", ...).
func Auth0() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"azp": nil}, Absent: ofIDToken()}
}

// Okta is for custom authorization servers of Okta, such as
// https://example.okta.com/oauth2/default. Do not use it for the server of the
// organization itself: only Okta can check its access tokens. Limit clients with
// Only("cid", ...).
func Okta() Profile {
	return Profile{Lenient: foreign, Claims: map[string][]string{"cid": nil}, Absent: ofIDToken()}
}

// Keycloak is for a realm of Keycloak. A client needs an audience mapper that adds the
// name of this service. Do not accept the default audience "account": the tokens of every
// client have it. Limit clients with Only("azp", ...).
func Keycloak() Profile {
	return Profile{Lenient: foreign, Claims: map[string][]string{"typ": {"Bearer"}, "azp": nil}}
}

// Cognito is for user pools of Amazon Cognito. Its access tokens have no "aud", so the
// audiences are compared with "client_id".
func Cognito() Profile {
	return Profile{Lenient: foreign, AudienceClaim: "client_id", Claims: map[string][]string{"token_use": {"access"}}}
}

// Google is for the ID tokens that Google's services and service accounts send as bearer
// tokens (Cloud Run, Pub/Sub, Cloud Scheduler); its access tokens are not JWTs. You must
// limit the service accounts, with Only("email", ...) or Only("sub", ...): every Google account can
// get a token for any audience.
func Google() Profile {
	return Profile{
		Lenient: foreignNoID, Claims: map[string][]string{"azp": nil},
		Absent: ofIDToken(), Narrow: []string{"email", "sub"},
	}
}

// Firebase is for the user tokens of Firebase Authentication. Firebase calls them ID
// tokens, but they are made for APIs. The issuer is
// https://securetoken.google.com/PROJECT, and the audience is PROJECT.
func Firebase() Profile {
	return Profile{
		Lenient: foreignNoID, Claims: map[string][]string{"firebase": nil, "user_id": nil, "auth_time": nil},
		Absent: ofIDToken(),
	}
}

// GitHubActions is for the tokens of workflows: the issuer
// https://token.actions.githubusercontent.com. You must limit the repositories, with
// Only("repository_id", ...) or another claim in Narrow: everybody on GitHub can get a token
// for any audience.
func GitHubActions() Profile {
	return Profile{
		Lenient: foreign, Claims: map[string][]string{"repository": nil, "workflow_ref": nil, "run_id": nil},
		Narrow: []string{"repository_id", "repository", "repository_owner_id", "repository_owner", "sub", "job_workflow_ref"},
	}
}

// GitLab is for the ID tokens of CI jobs of GitLab: the issuer is the URL of the instance.
// You must limit the projects, with Only("project_id", ...) or another claim in Narrow.
func GitLab() Profile {
	return Profile{
		Lenient: foreign, Claims: map[string][]string{"project_path": nil, "job_id": nil, "pipeline_id": nil},
		Narrow: []string{"project_id", "project_path", "namespace_id", "namespace_path", "sub"},
	}
}

// Kubernetes is for projected tokens of service accounts. Tokens from Secrets have neither
// "aud" nor "exp" and are refused. Inside a cluster, fetching the document needs a Client
// with the cluster's certificate and a token. Limit service accounts with Only("sub",
// "system:serviceaccount:NAMESPACE:NAME").
func Kubernetes() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"kubernetes.io": nil}}
}
