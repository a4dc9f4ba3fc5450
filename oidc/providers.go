package oidc

import "github.com/jwtgate/gate"

// foreign is what tokens of others lack of the claims that a gate writes.
var foreign = gate.Lenient{AnyType: true, AnyFresh: true}

// foreignNoID is foreign without "jti".
var foreignNoID = gate.Lenient{AnyType: true, AnyFresh: true, NoID: true}

// ofIDToken are claims of ID tokens (OpenID Connect Core 1.0 sections 2 and 3.3.2.11).
func ofIDToken() []string { return []string{"nonce", "at_hash", "c_hash"} }

// RFC9068 is for access tokens by the standard, with the header "typ": "at+jwt". Name the
// clients by Only("client_id").
func RFC9068() Profile {
	return Profile{
		HeaderTypes: []string{"at+jwt"}, Lenient: foreign,
		Claims: map[string][]string{"client_id": nil, "iat": nil},
	}
}

// EntraV1 is for Microsoft Entra, tokens of version 1.0: the issuer
// https://sts.windows.net/{tenantid}/, or one tenant in its place. Set Options.URL to
// https://login.microsoftonline.com/common/.well-known/openid-configuration. Name clients
// by Only("appid"), and tenants by Only("tid").
func EntraV1() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"ver": {"1.0"}, "tid": nil, "appid": nil}, Absent: ofIDToken()}
}

// EntraV2 is for Microsoft Entra, tokens of version 2.0: the issuer
// https://login.microsoftonline.com/{tenantid}/v2.0, or one tenant in its place. Name
// clients by Only("azp"), and tenants by Only("tid").
func EntraV2() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"ver": {"2.0"}, "tid": nil, "azp": nil}, Absent: ofIDToken()}
}

// EntraB2C is for Azure AD B2C. Set Options.URL to that of the document of the user flow:
// the name of the issuer has the tenant and not the flow. Name clients by Only("azp"), and
// user flows by Only("tfp") or Only("acr").
func EntraB2C() Profile {
	// The access tokens have the "nonce" of the login too.
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"ver": {"1.0"}, "azp": nil}, Absent: []string{"at_hash", "c_hash"}}
}

// Auth0 is for Auth0's own form of access tokens; an API with the RFC 9068 profile needs
// [RFC9068]. The issuer ends in a slash. Name clients by Only("azp").
func Auth0() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"azp": nil}, Absent: ofIDToken()}
}

// Okta is for custom authorization servers of Okta, such as
// https://example.okta.com/oauth2/default. Those of the organization itself are for Okta
// alone. Name clients by Only("cid").
func Okta() Profile {
	return Profile{Lenient: foreign, Claims: map[string][]string{"cid": nil}, Absent: ofIDToken()}
}

// Keycloak is for a realm of Keycloak. A client needs an audience mapper for the name of
// this service: by default "aud" is "account", which every client has. Name clients by
// Only("azp").
func Keycloak() Profile {
	return Profile{Lenient: foreign, Claims: map[string][]string{"typ": {"Bearer"}, "azp": nil}}
}

// Cognito is for user pools of Amazon Cognito. Its access tokens have no "aud": the
// audiences are those of "client_id".
func Cognito() Profile {
	return Profile{Lenient: foreign, AudienceClaim: "client_id", Claims: map[string][]string{"token_use": {"access"}}}
}

// Google is for the ID tokens that Google's services and service accounts send as bearer
// tokens (Cloud Run, Pub/Sub, Cloud Scheduler); its access tokens are not JWTs. Name the
// service accounts by Only("email"): every account of Google can get a token for any
// audience.
func Google() Profile {
	return Profile{
		Lenient: foreignNoID, Claims: map[string][]string{"azp": nil},
		Absent: ofIDToken(), Narrow: []string{"email", "sub"},
	}
}

// Firebase is for the tokens of users of Firebase Authentication, which it calls ID
// tokens and which are meant for APIs. The issuer is
// https://securetoken.google.com/PROJECT, and the audience PROJECT.
func Firebase() Profile {
	return Profile{
		Lenient: foreignNoID, Claims: map[string][]string{"firebase": nil, "user_id": nil, "auth_time": nil},
		Absent: ofIDToken(),
	}
}

// GitHubActions is for the tokens of workflows: the issuer
// https://token.actions.githubusercontent.com. Name the repositories by
// Only("repository_id"), or by one of the other claims in Narrow: everybody on GitHub can
// get a token for any audience.
func GitHubActions() Profile {
	return Profile{
		Lenient: foreign, Claims: map[string][]string{"repository": nil, "workflow_ref": nil, "run_id": nil},
		Narrow: []string{"repository_id", "repository", "repository_owner_id", "repository_owner", "sub", "job_workflow_ref"},
	}
}

// GitLab is for the ID tokens of CI jobs of GitLab: the issuer is the URL of the instance.
// Name the projects by Only("project_id"), or by one of the other claims in Narrow.
func GitLab() Profile {
	return Profile{
		Lenient: foreign, Claims: map[string][]string{"project_path": nil, "job_id": nil, "pipeline_id": nil},
		Narrow: []string{"project_id", "project_path", "namespace_id", "namespace_path", "sub"},
	}
}

// Kubernetes is for projected tokens of service accounts. Tokens of Secrets have neither
// "aud" nor "exp" and are refused. In a cluster the document needs a Client with the
// cluster's certificate and a token. Name service accounts by
// Only("sub", "system:serviceaccount:NAMESPACE:NAME").
func Kubernetes() Profile {
	return Profile{Lenient: foreignNoID, Claims: map[string][]string{"kubernetes.io": nil}}
}
