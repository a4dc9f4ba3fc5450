package keys

import (
	"bytes"
	"fmt"
)

// checkLength refuses an HMAC secret that can be found by trying.
func checkLength(alg Algorithm, secret []byte, want int) error {
	if len(secret) < want {
		return fmt.Errorf("keys: secret for %s has %d bytes and needs at least %d; make one with: openssl rand -base64 %d", alg, len(secret), want, want)
	}
	if bytes.Count(secret, secret[:1]) == len(secret) {
		return fmt.Errorf("keys: secret for %s is one byte repeated; use random bytes", alg)
	}
	return nil
}
