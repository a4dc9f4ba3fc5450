package keys

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
)

// publicMarks begin the texts of public keys, as ssh-keygen writes them.
var publicMarks = []string{"ssh-rsa", "ssh-dss", "ssh-ed25519", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"}

// checkSecret refuses a secret that is a key of another kind. Where a public key
// is taken for a secret, everyone who knows the public key can sign.
func checkSecret(secret []byte) error {
	text := bytes.TrimSpace(bytes.TrimPrefix(secret, []byte("\xef\xbb\xbf")))
	switch {
	case bytes.Contains(text, []byte("-----BEGIN ")), bytes.Contains(text, []byte("---- BEGIN ")):
		return errors.New("keys: the secret is PEM text; use FromPEM with the key's own algorithm")
	case hasMark(text):
		return errors.New("keys: the secret is an OpenSSH public key, which is no secret")
	case isJWK(text):
		return errors.New("keys: the secret is a JSON Web Key; use ParseJWK or ParseSet")
	case isDER(secret), isBase64DER(text):
		return errors.New("keys: the secret is a public key or certificate in DER, which is no secret")
	}
	return nil
}

func hasMark(text []byte) bool {
	for _, mark := range publicMarks {
		if bytes.HasPrefix(text, []byte(mark)) {
			return true
		}
	}
	return false
}

// isJWK goes by the names of the members, so that JSON which is cut short or has a
// name twice is found as well.
func isJWK(text []byte) bool {
	return len(text) > 0 && (text[0] == '{' || text[0] == '[') &&
		(bytes.Contains(text, []byte(`"kty"`)) || bytes.Contains(text, []byte(`"keys"`)))
}

func isDER(der []byte) bool {
	if len(der) == 0 || der[0] != 0x30 {
		return false
	}
	if _, err := x509.ParsePKIXPublicKey(der); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return true
	}
	_, err := x509.ParseCertificate(der)
	return err == nil
}

// isBase64DER finds the body of a PEM block without its frame, the form in which
// some identity servers show their public key.
func isBase64DER(text []byte) bool {
	der, err := base64.StdEncoding.AppendDecode(nil, text)
	return err == nil && isDER(der)
}

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
