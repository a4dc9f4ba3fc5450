package jwks_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

const (
	shared   = "https://login.example/{tenantid}/v2.0"
	personal = "https://login.example/9188040d/v2.0"
)

// withIssuer is the public JWK of a key with the member "issuer".
func withIssuer(id, issuer string) string {
	text := string(must(newKey(id).MarshalJSON()))
	return strings.Replace(text, "{", fmt.Sprintf(`{"issuer":%s,`, issuer), 1)
}

// claimed is a token that names the key and the issuer.
func claimed(id, claims string) keys.Unverified {
	enc := base64.RawURLEncoding.EncodeToString
	return must(keys.ParseUnverified(enc([]byte(`{"alg":"ES256","kid":"`+id+`"}`))+"."+enc([]byte(claims))+".e30", 1<<12))
}

// TestTenants: in a set that tenants share, the key of one tenant is for its tokens only.
func TestTenants(t *testing.T) {
	iss := func(name string) string { return fmt.Sprintf(`{"iss":%q}`, name) }
	quote := func(name string) string { return fmt.Sprintf("%q", name) }
	entra := []string{
		withIssuer("all", quote(shared)), withIssuer("one", quote(personal)), withIssuer("none", "7"),
		string(must(newKey("bare").MarshalJSON())), `{"kty":"oct","kid":5,"issuer":[]}`, `1`,
	}
	alone := []string{withIssuer("one", quote(personal)), withIssuer("two", quote("https://other.example"))}
	for _, tt := range []struct {
		name string
		set  []string
		u    keys.Unverified
		want []string
	}{
		{"the key of all", entra, claimed("all", iss("https://login.example/shop/v2.0")), []string{"ES256/all"}},
		{"the key of all, for the one", entra, claimed("all", iss(personal)), []string{"ES256/all"}},
		{"the key of one, for its own", entra, claimed("one", iss(personal)), []string{"ES256/one"}},
		{"the key of one, for its version 1.0", entra, claimed("one", iss("https://sts.example/9188040d/")), []string{"ES256/one"}},
		{"the key of one, for another tenant", entra, claimed("one", iss("https://login.example/shop/v2.0")), nil},
		{"for another tenant with its tid", entra, claimed("one", `{"iss":"https://login.example/shop/v2.0","tid":"9188040d"}`), nil},
		{"for version 1.0 of another tenant", entra, claimed("one", iss("https://sts.example/shop/")), nil},
		{"for no tenant", entra, claimed("one", iss("https://sts.example//")), nil},
		{"for a name around it", entra, claimed("one", iss(personal+"/")), nil},
		{"for no issuer", entra, claimed("one", `{}`), nil},
		{"for an issuer that is no text", entra, claimed("one", `{"iss":["`+personal+`"]}`), nil},
		{"for claims that are none", entra, claimed("one", `x`), nil},
		{"a key whose issuer is no text", entra, claimed("none", iss("https://login.example/shop/v2.0")), []string{"ES256/none"}},
		{"a key without issuer", entra, claimed("bare", iss("https://login.example/shop/v2.0")), []string{"ES256/bare"}},
		{"a set of no tenants", alone, claimed("one", iss("https://a.example")), []string{"ES256/one"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := newIssuer(newKey("old"))
			i.serve(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(tt.set, ","))
			})
			wantKeys(t, i.remote(t, jwks.Options{}), tt.u, tt.want...)
			i.wantFetches(t, 1)
		})
	}
}

// TestTenantsForHeader: where the claims decide, the header alone finds no key.
func TestTenantsForHeader(t *testing.T) {
	i := newIssuer(newKey("old"))
	text := withIssuer("one", fmt.Sprintf("%q", personal))
	i.serve(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[%s,%s]}`, text, withIssuer("all", fmt.Sprintf("%q", shared)))
	})
	r := i.remote(t, jwks.Options{})
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	header := must(keys.ParseJWK("", []byte(text))).Header()
	if k := r.ForHeader(header); k != nil {
		t.Errorf("ForHeader = %v", k)
	}
}
