package keys

import (
	"bytes"
	"fmt"
	"regexp"
)

// placeholder matches texts that examples have in the place of a secret. Attackers try them.
var placeholder = regexp.MustCompile(`(?i)(change|replace)[-_ ]?me|bits[-_ ]long|your[-_ ]([a-z0-9]+[-_ ])*secret`)

// checkLength refuses an HMAC secret that can be found by trying.
func checkLength(alg Algorithm, secret []byte, want int) error {
	if len(secret) < want {
		return fmt.Errorf("keys: secret for %s has %d bytes and needs at least %d; make one with: openssl rand -base64 %d", alg, len(secret), want, want)
	}
	if bytes.Count(secret, secret[:1]) == len(secret) {
		return fmt.Errorf("keys: secret for %s is one byte repeated; use random bytes", alg)
	}
	if placeholder.Match(secret) {
		return fmt.Errorf("keys: secret for %s is a text from an example, which others know; make one with: openssl rand -base64 %d", alg, want)
	}
	return nil
}
