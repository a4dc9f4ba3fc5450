package keys_test

import (
	"fmt"
	"testing"

	"github.com/jwtgate/gate/keys"
)

// TestParseSetOfSecretsAndPublicKeys: a set of either is fine, of both it is not.
func TestParseSetOfSecretsAndPublicKeys(t *testing.T) {
	const secret = `{"kty":"oct","kid":"s","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}`
	const public = `{"kty":"OKP","crv":"Ed25519","kid":"p","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	for _, tt := range []struct {
		name, keys string
		ok         bool
	}{
		{"secret", secret, true},
		{"public", public, true},
		{"secret then public", secret + "," + public, false},
		{"public then secret", public + "," + secret, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.ParseSet(fmt.Appendf(nil, `{"keys":[%s]}`, tt.keys))
			if (err == nil) != tt.ok {
				t.Errorf("ParseSet error = %v, want success = %v", err, tt.ok)
			}
		})
	}
}
