package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/safehttp"
	"github.com/jwtgate/gate/keys"
)

// A Publisher has public keys to publish. It is a [keys.Ring], whose pending and retiring
// keys are published too, or a [keys.Set].
type Publisher interface {
	Keys() []*keys.Key
}

// Handler returns a handler that publishes the JWK Set of p. Its usual path is
// /.well-known/jwks.json. It publishes public keys only, and never a secret. Clients may
// cache the answer for maxAge (Cache-Control); 0 is five minutes. They can ask with
// If-None-Match whether it has changed. A new key must be published for at least maxAge
// before it signs: see [keys.Ring.Rotate].
func Handler(p Publisher, maxAge time.Duration) http.Handler {
	return newDocument(p, maxAge, "application/jwk-set+json", func(public []*keys.Key) any {
		return map[string][]*keys.Key{"keys": public}
	})
}

// metadata has the members of OpenID Connect Discovery 1.0 and RFC 8414 that a service
// needs to verify tokens.
type metadata struct {
	Issuer        string           `json:"issuer"`
	JWKSURI       string           `json:"jwks_uri"`
	ResponseTypes []string         `json:"response_types_supported"`
	SubjectTypes  []string         `json:"subject_types_supported"`
	Algorithms    []keys.Algorithm `json:"id_token_signing_alg_values_supported"`
}

// Metadata returns a handler for the document that tells other services where the keys of
// an issuer are. Its path is /.well-known/openid-configuration below the URL of the
// issuer. The document does not describe an OpenID provider beyond that. issuer is the
// "iss" of the tokens, and jwksURI is the URL of [Handler]. Both must be https, or http on
// a loopback address.
func Metadata(issuer, jwksURI string, p Publisher) (http.Handler, error) {
	for _, text := range []string{issuer, jwksURI} {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !safehttp.IsLoopback(u.Hostname())) || u.Hostname() == "" {
			return nil, fmt.Errorf("keys/jwks: %.200q is not an https URL", text)
		}
		if text == issuer && (u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
			return nil, errors.New("keys/jwks: the issuer's URL has a query, a fragment or a password")
		}
	}
	return newDocument(p, 0, "application/json", func(public []*keys.Key) any {
		return metadata{issuer, jwksURI, []string{"id_token"}, []string{"public"}, algorithms(public)}
	}), nil
}

// algorithms returns the algorithms of the keys, each once.
func algorithms(public []*keys.Key) []keys.Algorithm {
	all := []keys.Algorithm{}
	for _, k := range public {
		if !slices.Contains(all, k.Algorithm()) {
			all = append(all, k.Algorithm())
		}
	}
	return all
}

// document is a JSON text made from public keys. It is made again when the keys change.
type document struct {
	keys   Publisher
	header http.Header
	write  func(public []*keys.Key) any
	last   atomic.Pointer[rendered]
}

// rendered is a document as it is sent.
type rendered struct {
	keys []*keys.Key
	text []byte
	etag string
}

func newDocument(p Publisher, maxAge time.Duration, contentType string, write func([]*keys.Key) any) *document {
	if maxAge <= 0 {
		maxAge = 5 * time.Minute
	}
	return &document{keys: p, write: write, header: http.Header{
		"Content-Type":           {contentType},
		"Cache-Control":          {fmt.Sprintf("public, max-age=%d", int(maxAge/time.Second))},
		"X-Content-Type-Options": {"nosniff"},
	}}
}

// ServeHTTP implements http.Handler.
func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	doc := d.render()
	for name, values := range d.header {
		w.Header()[name] = slices.Clone(values)
	}
	w.Header().Set("ETag", doc.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(doc.text))
}

func (d *document) render() *rendered {
	all := d.keys.Keys()
	if doc := d.last.Load(); doc != nil && slices.Equal(doc.keys, all) {
		return doc
	}
	public := make([]*keys.Key, 0, len(all))
	for _, k := range all {
		if k.Public() != nil {
			public = append(public, k)
		}
	}
	// Public keys always marshal.
	text, _ := json.Marshal(d.write(public))
	sum := sha256.Sum256(text)
	doc := &rendered{all, text, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
	d.last.Store(doc)
	return doc
}
