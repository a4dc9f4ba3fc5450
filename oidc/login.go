package oidc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// A Login checks the ID tokens that this application gets from a provider when users log
// in with OpenID Connect. Use [DiscoverLogin] to make one. For the requests to the
// provider use package golang.org/x/oauth2. A Login is safe for concurrent use.
type Login struct {
	// AuthURL and TokenURL are the endpoints of the provider, for oauth2.Endpoint.
	AuthURL, TokenURL string

	gate  *gate.Gate
	clock func() time.Time
}

// Demands are what [Login.Check] compares one ID token with.
type Demands struct {
	// Nonce is the random value that the application sent with this login and stored for this
	// browser, such as in a cookie. It is required, unless NoNonce is set.
	Nonce string
	// NoNonce turns off the check of the nonce. It is for an ID token that came with a
	// refreshed access token. Compare its subject with that of the login.
	NoNonce bool
	// AccessToken is the access token that came with the ID token. If the ID token has
	// "at_hash", it must be the hash of this access token.
	AccessToken string
	// MaxAge is the "max_age" of the request. The ID token must have "auth_time", and that
	// time must not be longer ago than MaxAge plus one minute. 0 means no check.
	MaxAge time.Duration
}

// These are errors of [Login.Check], in addition to the errors of a gate.
var (
	// ErrNonce means that the ID token was made for another login.
	ErrNonce = errors.New("oidc: the nonce of the ID token is not that of this login; start the login again")
	// ErrAccessToken means that the ID token came with another access token (at_hash).
	ErrAccessToken = errors.New("oidc: the ID token belongs to another access token (at_hash)")
	// ErrLoginTime means that the user logged in too long ago, or that the ID token does not
	// say when.
	ErrLoginTime = errors.New("oidc: the login is older than MaxAge, or the ID token does not say how old it is (auth_time); start the login again with max_age")
)

// maxIDToken is the maximum length of an ID token in bytes. ID tokens can contain long
// lists of groups.
const maxIDToken = 32 << 10

// skew is the accepted difference between two clocks.
const skew = time.Minute

// DiscoverLogin fetches the document of a provider as [Discover] does. clientID is the ID
// that the provider has given to this application. Audiences and Profile of the options
// are not used.
func DiscoverLogin(ctx context.Context, issuer, clientID string, o Options) (*Login, error) {
	if clientID == "" {
		return nil, errors.New("oidc: no client ID; the provider gave one to this application")
	}
	doc, err := fetchDocument(ctx, issuer, &o)
	if err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	o.Audiences = []string{clientID}
	i, err := doc.issuer(&o)
	if err = cmp.Or(err, doc.checkURL("authorization_endpoint", doc.AuthURL), doc.checkURL("token_endpoint", doc.TokenURL)); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	i.Lenient = foreignNoID
	i.Check = func(t *gate.Token) error { return checkKind(t, clientID) }
	l := &Login{AuthURL: doc.AuthURL, TokenURL: doc.TokenURL, clock: o.Keys.Clock}
	if l.clock == nil {
		l.clock = time.Now
	}
	l.gate, err = gate.New(gate.Config{
		Issuers: []gate.Issuer{i}, Clock: l.clock,
		Accept: gate.Accept{Skew: skew, Limits: gate.Limits{TokenBytes: maxIDToken, CacheEntries: -1}},
	})
	if err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	return l, nil
}

// Check checks an ID token (OpenID Connect Core 1.0 section 3.1.3.7): signature, "iss",
// "aud", "azp", "exp", "iat", "sub", and what d demands. It refuses access tokens and
// refresh tokens. [gate.Token.VerifiedIssuer] and Subject together identify the user; two
// issuers can use the same subject. The error is a [*gate.Error] or one of the errors
// above. It is another error if the keys cannot be fetched.
//
// ID tokens that are signed with the client's secret (HS256) or encrypted are not
// supported.
func (l *Login) Check(ctx context.Context, raw string, d Demands) (*gate.Token, error) {
	if d.Nonce == "" && !d.NoNonce {
		return nil, errors.New("oidc: Demands.Nonce is empty; send a random nonce with each login, and keep it for the answer")
	}
	t, err := l.gate.CheckToken(ctx, raw, gate.Policy{})
	if err != nil {
		return nil, err
	}
	var c struct {
		Nonce    string  `json:"nonce"`
		AtHash   *string `json:"at_hash"`
		AuthTime float64 `json:"auth_time"`
	}
	if err := t.Claims(&c); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	authTime := time.Unix(int64(c.AuthTime), 0)
	switch now := l.clock(); {
	case !d.NoNonce && subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(d.Nonce)) == 0:
		return nil, ErrNonce
	case d.AccessToken != "" && c.AtHash != nil && *c.AtHash != halfHash(t.VerifiedKey().Algorithm(), d.AccessToken):
		return nil, ErrAccessToken
	case d.MaxAge > 0 && (c.AuthTime <= 0 || authTime.Before(now.Add(-d.MaxAge-skew)) || authTime.After(now.Add(skew))):
		return nil, ErrLoginTime
	}
	return t, nil
}

// checkKind refuses tokens that are not ID tokens for this client. No single rule works
// for all providers, so it checks the claims by which common providers mark other tokens.
func checkKind(t *gate.Token, clientID string) error {
	var h struct {
		Typ string `json:"typ"`
	}
	var c struct {
		Party *string `json:"azp"`
		Typ   *string `json:"typ"`       // Keycloak
		Use   *string `json:"token_use"` // Cognito
		Scope any     `json:"scp"`       // access tokens of Entra, B2C and Okta
		Event any     `json:"events"`    // logout tokens, and others of RFC 8417
	}
	switch err := errors.Join(t.Header(&h), t.Claims(&c)); {
	case err != nil:
		return err
	case strings.Contains(strings.ToLower(h.Typ), "at+jwt"):
		return errors.New("it is an access token (header typ)")
	case c.Scope != nil:
		return errors.New("it is an access token (claim scp)")
	case c.Event != nil:
		return errors.New("it is a logout token or another event (claim events)")
	case c.Typ != nil && *c.Typ != "ID", c.Use != nil && *c.Use != "id":
		return errors.New("it is no ID token (claim typ or token_use)")
	case t.IssuedAt.IsZero():
		return errors.New("the claim iat is missing")
	case c.Party == nil && len(t.Audience) > 1:
		return errors.New("it has several audiences, and no azp that says for which client it was made")
	case c.Party != nil && *c.Party != clientID:
		return errors.New("it was made for another client (azp)")
	}
	return nil
}

// halfHash returns the "at_hash" of an access token (section 3.1.3.6): the first half of
// its hash. The algorithm of the ID token decides which hash.
func halfHash(alg keys.Algorithm, token string) string {
	var sum []byte
	switch {
	case strings.HasSuffix(string(alg), "256"):
		h := sha256.Sum256([]byte(token))
		sum = h[:]
	case strings.HasSuffix(string(alg), "384"):
		h := sha512.Sum384([]byte(token))
		sum = h[:]
	default: // 512, and Ed25519
		h := sha512.Sum512([]byte(token))
		sum = h[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
