package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/safehttp"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// Options are the options of [Discover] and [DiscoverLogin].
type Options struct {
	// Audiences lists the names of this service. The token's audience must contain one of
	// them.
	Audiences []string
	// Profile says what the issuer's access tokens look like. The zero value is for an issuer
	// that is a gate. [DiscoverLogin] does not use it.
	Profile Profile
	// URL is the URL of the document. It is for issuers whose document is not below their
	// name. Default: see [Discover].
	URL string
	// Keys are the options for fetching the key set. Client, Networks, InsecureLoopback and
	// Timeout are used for the document as well. Algorithms, for keys without "alg", is RS256
	// by default.
	Keys jwks.Options
}

// Discover fetches the metadata document of an issuer, and returns the issuer for
// [gate.Config.Issuers]. Its Keys are a [*jwks.Remote] with the URL from the document.
// Discover does not fetch the keys.
//
// The document is at /.well-known/openid-configuration under the name of the issuer
// (OpenID Connect Discovery 1.0 section 4) or, where there is none (404), at
// /.well-known/oauth-authorization-server before its path (RFC 8414 section 3). Its
// "issuer" must be equal to the name (sections 4.3 and 3.3). The URLs in a document that
// came by https must have https. For a name with {tenantid},
// which means all tenants of Microsoft Entra, Discover fetches the document of the tenant
// "common".
//
// If the issuer cannot be reached, Discover returns an error. Try again, or configure the
// URL of the keys and use package jwks. The document is fetched only once.
func Discover(ctx context.Context, issuer string, o Options) (gate.Issuer, error) {
	doc, err := fetchDocument(ctx, issuer, &o)
	if err != nil {
		return gate.Issuer{}, fmt.Errorf("oidc: %w", err)
	}
	found, err := doc.issuer(&o)
	if err == nil {
		found, err = o.Profile.Issuer(found)
	}
	if err != nil {
		return gate.Issuer{}, fmt.Errorf("oidc: %w", err)
	}
	return found, nil
}

// document has the fields that this package reads from the metadata of an issuer.
type document struct {
	Issuer   string `json:"issuer"`
	JWKSURI  string `json:"jwks_uri"`
	AuthURL  string `json:"authorization_endpoint"`
	TokenURL string `json:"token_endpoint"`

	https bool // how the document was fetched
}

// checkURL refuses a URL in the document that is less safe than the document itself.
func (d *document) checkURL(member, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s of the document of %s is no URL: %.200q", member, d.Issuer, text)
	case d.https && u.Scheme != "https":
		return fmt.Errorf("%s of the document of %s has http, although the document has https: %.200q", member, d.Issuer, text)
	}
	return nil
}

// issuer returns the issuer with the keys that the document names.
func (d *document) issuer(o *Options) (gate.Issuer, error) {
	if err := d.checkURL("jwks_uri", d.JWKSURI); err != nil {
		return gate.Issuer{}, err
	}
	k := o.Keys
	if k.Algorithms == nil {
		k.Algorithms = []keys.Algorithm{keys.RS256}
	}
	remote, err := jwks.New(d.JWKSURI, k)
	if err != nil {
		return gate.Issuer{}, fmt.Errorf("jwks_uri of the document of %s: %w", d.Issuer, err)
	}
	return gate.Issuer{Name: d.Issuer, Keys: remote, Audiences: o.Audiences}, nil
}

// errNoDocument means that a URL has no document (404).
var errNoDocument = errors.New("no document (status 404)")

// fetchDocument fetches the document of an issuer, and checks that it names this issuer.
func fetchDocument(ctx context.Context, issuer string, o *Options) (*document, error) {
	places, err := placesOf(issuer, o.URL)
	if err != nil {
		return nil, err
	}
	timeout := o.Keys.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var doc *document
	for _, place := range places {
		if doc, err = get(ctx, place, timeout, o); !errors.Is(err, errNoDocument) {
			break
		}
	}
	switch {
	case err != nil:
		return nil, err
	case doc.Issuer != issuer:
		return nil, fmt.Errorf("the document is that of the issuer %.200q, not of %q; the names must be equal, with every slash", doc.Issuer, issuer)
	}
	return doc, nil
}

// placesOf lists the URLs where the document of an issuer can be.
func placesOf(issuer, place string) ([]string, error) {
	if place != "" {
		return []string{place}, nil
	}
	u, err := url.Parse(strings.Replace(issuer, "{tenantid}", "common", 1))
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" {
		return nil, fmt.Errorf("the issuer %.200q is no URL of a host and a path; set Options.URL to that of its document", issuer)
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	origin := strings.TrimSuffix(u.String(), u.EscapedPath())
	return []string{
		origin + path + "/.well-known/openid-configuration",
		origin + "/.well-known/oauth-authorization-server" + path,
	}, nil
}

// get fetches one document.
func get(ctx context.Context, place string, timeout time.Duration, o *Options) (*document, error) {
	rules := &safehttp.Rules{InsecureLoopback: o.Keys.InsecureLoopback, Networks: o.Keys.Networks, OwnClient: o.Keys.Client != nil, Timeout: timeout}
	u, err := rules.Parse("the URL of the document", place)
	if err != nil {
		return nil, err
	}
	client := o.Keys.Client
	if client == nil {
		client = rules.Client(u.Scheme == "http")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	doc, err := read(res)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	doc.https = u.Scheme == "https"
	return doc, nil
}

func read(res *http.Response) (*document, error) {
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, errNoDocument
	default:
		return nil, fmt.Errorf("answered with status %d", res.StatusCode)
	}
	text, err := safehttp.ReadBody(res)
	if err != nil {
		return nil, err
	}
	doc := new(document)
	if err := json.Unmarshal(text, doc); err != nil {
		return nil, fmt.Errorf("the document is no JSON object of an issuer: %w", err)
	}
	return doc, nil
}
