package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// FromPEM returns the key in PEM text (RFC 7468). A private key (PKCS #8, PKCS #1 or
// SEC 1) signs and verifies; a public key (SubjectPublicKeyInfo or PKCS #1) or a
// CERTIFICATE only verifies. The key must fit alg and not be weak, as for
// [FromPublic].
//
// The text must hold one key. "EC PARAMETERS" before it are skipped; anything but
// white space after it is an error, and so is an encrypted key. A byte order mark,
// indented lines, and the label of another form of private or public key are accepted.
// The error for other text says what the text is and, if possible, the command that
// converts it. Only the public key of a certificate is used: dates and signature are
// not checked.
func FromPEM(alg Algorithm, text []byte) (*Key, error) {
	if _, err := alg.scheme(); err != nil {
		return nil, err
	}
	block, err := onlyBlock(text)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		signer, err := privateKey(block)
		if err != nil {
			return nil, err
		}
		return FromSigner(alg, signer)
	}
	pub, err := publicKey(block)
	if err != nil {
		return nil, err
	}
	return FromPublic(alg, pub)
}

// onlyBlock returns the one block of the text that holds a key.
func onlyBlock(text []byte) (*pem.Block, error) {
	text = outdent(text)
	block, rest := pem.Decode(text)
	if block != nil && block.Type == "EC PARAMETERS" {
		text = rest
		block, rest = pem.Decode(text)
	}
	if block == nil {
		return nil, notPEM(text)
	}
	// pem.Decode passes over a block that it cannot read.
	if begins := bytes.Count(text, []byte("-----BEGIN ")); begins > 1 {
		return nil, fmt.Errorf("keys: the PEM text has %d blocks; give one key alone", begins)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("keys: the PEM text goes on behind the key")
	}
	return block, nil
}

// outdent drops a byte order mark and the white space around each line.
func outdent(text []byte) []byte {
	lines := bytes.Split(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimSpace(line)
	}
	return bytes.Join(lines, []byte("\n"))
}

func privateKey(block *pem.Block) (crypto.Signer, error) {
	switch block.Type {
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
	default:
		return nil, unknownBlock(block)
	}
	if block.Headers["DEK-Info"] != "" {
		return nil, errEncrypted
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		key, err = oldPrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	switch {
	case err != nil:
		return nil, unreadable(block)
	case !ok:
		return nil, fmt.Errorf("keys: the key in the PEM block %q is a %T, which cannot sign", block.Type, key)
	}
	return signer, nil
}

// oldPrivateKey reads the forms from before PKCS #8.
func oldPrivateKey(der []byte) (any, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParseECPrivateKey(der)
}

func publicKey(block *pem.Block) (crypto.PublicKey, error) {
	var pub crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		if pub, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			pub, err = x509.ParsePKCS1PublicKey(block.Bytes)
		}
	case "CERTIFICATE", "X509 CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			pub = cert.PublicKey
		}
	default:
		return nil, unknownBlock(block)
	}
	if err != nil || pub == nil {
		return nil, unreadable(block)
	}
	return pub, nil
}
