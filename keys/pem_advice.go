package keys

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

var errEncrypted = errors.New("keys: the PEM key is encrypted; decrypt it first, with: openssl pkey -in key.pem -out plain.pem")

// sign is something that tells what a text is, and what to do about it.
type sign struct{ mark, advice string }

// notKeys are texts without a PEM block that can be read, by what they contain.
var notKeys = []sign{
	{"-----BEGIN OPENSSH", `is an "OPENSSH PRIVATE KEY" that is cut short`},
	{`\n`, `has "\n" written out instead of line ends; put them back with: printf '%b' "$KEY", or in Go with strings.ReplaceAll(text, "\\n", "\n")`},
	{"-----BEGIN ", "has a PEM block that cannot be read: its lines have become one line, its END line is missing, or characters are lost; give it as it was written, one line of 64 characters after another"},
	{"---- BEGIN SSH2", "is an SSH2 public key; convert it with: ssh-keygen -i -f key.pub > openssh.pub && ssh-keygen -e -m PKCS8 -f openssh.pub"},
	{"PuTTY-User-Key-File", "is a key of PuTTY; export it with: puttygen key.ppk -O private-openssh -o key, then convert it to PKCS #8 with: ssh-keygen -p -m PKCS8 -f key"},
	{`"kty"`, "is a JSON Web Key; use ParseJWK, or ParseSet for a list of them"},
	{"-\x00-\x00", "is in UTF-16; convert it with: iconv -f UTF-16 -t UTF-8 key.pem"},
}

// notPEM tells what a text is in which no PEM block was found.
func notPEM(text []byte) error {
	if isDER(text) { // whose bytes may look like anything that is searched for below
		return errors.New("keys: the text is in binary (DER); convert it with: openssl pkey -inform DER -in key.der, or for a public key with: openssl pkey -pubin -inform DER -in key.der")
	}
	for _, s := range notKeys {
		if bytes.Contains(text, []byte(s.mark)) {
			return errors.New("keys: the PEM text " + s.advice)
		}
	}
	if hasMark(text) {
		return errors.New("keys: the PEM text is an OpenSSH public key; convert it with: ssh-keygen -e -m PKCS8 -f key.pub")
	}
	return errors.New(`keys: no PEM block found; a key begins with a line like "-----BEGIN PRIVATE KEY-----"`)
}

// isDER reports whether the text begins as DER of a key does.
func isDER(text []byte) bool {
	for _, mark := range []string{"\x30\x81", "\x30\x82", "\x30\x2a\x30\x05", "\x30\x2e\x02\x01"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return true
		}
	}
	return false
}

// blocks is the advice on PEM blocks that hold no key in a form that is read here.
var blocks = map[string]string{
	"OPENSSH PRIVATE KEY": "convert a key for RSA or ECDSA to PKCS #8 with: ssh-keygen -p -m PKCS8 -f key; for Ed25519 make a new one with: openssl genpkey -algorithm ed25519",
	"CERTIFICATE REQUEST": "take the public key out of it with: openssl req -in request.pem -pubkey -noout",
	"TRUSTED CERTIFICATE": "convert it with: openssl x509 -in cert.pem",
	"PKCS7":               "take the certificate out of it with: openssl pkcs7 -in file.p7b -print_certs",
	"DSA PRIVATE KEY":     "DSA is no JWS algorithm; make a key with: openssl genpkey -algorithm ed25519",
	"RSA-PSS PRIVATE KEY": rsaPSS,
	"RSA-PSS PUBLIC KEY":  rsaPSS,
}

func unknownBlock(block *pem.Block) error {
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		return errEncrypted
	}
	advice, ok := blocks[block.Type]
	if !ok {
		advice = "use PKCS #8, PKCS #1, SEC 1, SubjectPublicKeyInfo or a certificate"
	}
	return fmt.Errorf("keys: PEM block %q is not supported; %s", block.Type, advice)
}

const rsaPSS = "a key that is restricted to RSA-PSS is not supported, a plain RSA key works with PS256; write it as one with: openssl rsa -in key.pem -traditional | sed 's/RSA-PSS/RSA/', a public one with: openssl rsa -pubin -in key.pem -RSAPublicKey_out | sed 's/RSA-PSS/RSA/' (of a certificate: openssl x509 -in cert.pem -pubkey -noout)"

// objects are the object identifiers, as they are in DER, of keys that crypto/x509
// does not read.
var objects = []sign{
	{"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", rsaPSS},
	{"\x06\x03\x2b\x65\x71", "keys of Ed448 are not supported; make one of Ed25519 with: openssl genpkey -algorithm ed25519"},
	{"\x06\x03\x2b\x65\x6f", "X448 is for key agreement and cannot sign"},
	{"\x06\x05\x2b\x81\x04\x00\x0a", "the curve secp256k1 is not supported; " + newEC},
	{"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01", "brainpool curves are not supported; " + newEC},
	{"\x06\x07\x2a\x86\x48\xce\x3d\x01\x01", "the curve is given by its parameters; name it with: openssl ec -in key.pem -param_enc named_curve"},
	{"\x06\x07\x2a\x86\x48\xce\x38\x04\x01", "DSA is no JWS algorithm; " + newEC},
	{"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03", "ML-DSA and SLH-DSA are not supported; " + newEC},
}

const newEC = "make a key with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"

// compressed is how SubjectPublicKeyInfo goes on from the curve to a compressed point.
var compressed = map[string]string{
	"P-256": "\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x22\x00",
	"P-384": "\x2b\x81\x04\x00\x22\x03\x32\x00",
	"P-521": "\x2b\x81\x04\x00\x23\x03\x44\x00",
}

// unreadable tells why a block was not taken. The errors of crypto/x509 are not
// wrapped: it was asked for several forms, and each has an error of its own.
func unreadable(block *pem.Block) error {
	for _, o := range objects {
		if bytes.Contains(block.Bytes, []byte(o.mark)) {
			return fmt.Errorf("keys: PEM block %q: %s", block.Type, o.advice)
		}
	}
	for curve, mark := range compressed {
		if bytes.Contains(block.Bytes, []byte(mark)) {
			return fmt.Errorf("keys: PEM block %q: the point on %s is compressed; write it out with: openssl ec -pubin -in key.pem -conv_form uncompressed", block.Type, curve)
		}
	}
	return fmt.Errorf("keys: PEM block %q %s", block.Type, contents(block.Bytes))
}

// contents tells what else is in a block whose label is wrong.
func contents(der []byte) string {
	if _, err := x509.ParseCertificate(der); err == nil {
		return `holds a certificate; its label is "CERTIFICATE"`
	}
	if _, err := x509.ParsePKIXPublicKey(der); err == nil {
		return `holds a public key; its label is "PUBLIC KEY"`
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return `holds a private key; its label is "PRIVATE KEY"`
	}
	if _, err := oldPrivateKey(der); err == nil {
		return `holds a private key; its label is "RSA PRIVATE KEY" or "EC PRIVATE KEY"`
	}
	return "is damaged, or of a kind that is not supported; look at it with: openssl asn1parse -in key.pem"
}
