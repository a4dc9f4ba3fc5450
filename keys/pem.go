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

// FromPEM returns the key in PEM text (RFC 7468). From a private key (PKCS #8,
// PKCS #1 or SEC 1) it signs and verifies; from a public key (SubjectPublicKeyInfo
// or PKCS #1) or a CERTIFICATE it verifies only. The key must fit alg and not be
// weak, as for [FromPublic].
//
// The text holds one key: "EC PARAMETERS" before it are skipped, anything but white
// space behind it is refused, and so is an encrypted key. Of a certificate nothing
// but the public key is looked at: neither its dates nor who signed it.
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
	block, rest := pem.Decode(text)
	if block != nil && block.Type == "EC PARAMETERS" {
		text = rest
		block, rest = pem.Decode(text)
	}
	if block == nil {
		return nil, errors.New(`keys: no PEM block found; a key begins with a line like "-----BEGIN PRIVATE KEY-----"`)
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

func privateKey(block *pem.Block) (crypto.Signer, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("keys: the PEM key is encrypted; decrypt it first, with: openssl pkey")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, unknownBlock(block)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, unreadable(block, err)
	}
	return signer, nil
}

func publicKey(block *pem.Block) (crypto.PublicKey, error) {
	var pub crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		pub, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		pub, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			pub = cert.PublicKey
		}
	default:
		return nil, unknownBlock(block)
	}
	if err != nil {
		return nil, unreadable(block, err)
	}
	return pub, nil
}

func unknownBlock(block *pem.Block) error {
	return fmt.Errorf("keys: PEM block %q is not supported; use PKCS #8, PKCS #1, SEC 1, SubjectPublicKeyInfo or a certificate", block.Type)
}

// unreadable is the error for a block that crypto/x509 did not take. Its errors
// name structures, not contents; a nil one stands for a key that cannot sign.
func unreadable(block *pem.Block, err error) error {
	if err == nil {
		return fmt.Errorf("keys: the key in the PEM block %q cannot sign", block.Type)
	}
	return fmt.Errorf("keys: PEM block %q: %w", block.Type, err)
}
