package keys_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func certificate(t *testing.T) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	return must(x509.CreateCertificate(rand.Reader, template, template, &rsaKey().PublicKey, rsaKey()))
}

func TestFromPEM(t *testing.T) {
	key := rsaKey()
	ec := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	public, ed, _ := ed25519.GenerateKey(rand.Reader)
	sec1 := block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec)))
	pkcs8 := func(key any) string { return block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))) }
	spki := func(key any) string { return block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(key))) }
	for _, tt := range []struct {
		name, text string
		alg        keys.Algorithm
		private    crypto.Signer
		signs      bool
	}{
		{"RSA, PKCS #8", pkcs8(key), keys.RS256, key, true},
		{"RSA, PKCS #1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), keys.PS512, key, true},
		{"RSA public", spki(&key.PublicKey), keys.RS384, key, false},
		{"RSA public, PKCS #1", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), keys.PS256, key, false},
		{"certificate", block("CERTIFICATE", certificate(t)), keys.RS256, key, false},
		{"EC, PKCS #8", pkcs8(ec), keys.ES512, ec, true},
		{"EC, SEC 1", sec1, keys.ES512, ec, true},
		{"EC, SEC 1 behind parameters", block("EC PARAMETERS", []byte("\x06\x05\x2b\x81\x04\x00\x23")) + sec1, keys.ES512, ec, true},
		{"EC public", spki(&ec.PublicKey), keys.ES512, ec, false},
		{"Ed25519", pkcs8(ed), keys.EdDSA, ed, true},
		{"Ed25519 under its new name", pkcs8(ed), keys.Ed25519, ed, true},
		{"Ed25519 public", spki(public), keys.EdDSA, ed, false},
		{"white space around", "\n\n" + pkcs8(ed) + " \r\n\t\n", keys.EdDSA, ed, true},
		{"line ends of Windows", strings.ReplaceAll(pkcs8(ed), "\n", "\r\n"), keys.EdDSA, ed, true},
		{"byte order mark", "\xef\xbb\xbf" + pkcs8(ed), keys.EdDSA, ed, true},
		{"indented, as in YAML", "  " + strings.ReplaceAll(pkcs8(key), "\n", "\n    "), keys.RS256, key, true},
		{"PKCS #8 under the label of PKCS #1", strings.ReplaceAll(pkcs8(key), "PRIVATE", "RSA PRIVATE"), keys.RS256, key, true},
		{"PKCS #8 under the label of SEC 1", strings.ReplaceAll(pkcs8(ec), "PRIVATE", "EC PRIVATE"), keys.ES512, ec, true},
		{"PKCS #1 under the label of PKCS #8", block("PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), keys.RS256, key, true},
		{"SEC 1 under the label of PKCS #8", strings.ReplaceAll(sec1, "EC PRIVATE", "PRIVATE"), keys.ES512, ec, true},
		{"public PKCS #1 under the label of SubjectPublicKeyInfo", block("PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), keys.RS256, key, false},
		{"SubjectPublicKeyInfo under the label of PKCS #1", strings.ReplaceAll(spki(&key.PublicKey), "PUBLIC", "RSA PUBLIC"), keys.RS256, key, false},
		{"old label of a certificate", block("X509 CERTIFICATE", certificate(t)), keys.RS256, key, false},
		{"text before the block", "Subject: someone\n" + pkcs8(ed), keys.EdDSA, ed, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := keys.FromPEM(tt.alg, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if k.CanSign() != tt.signs || k.ID() != "" || k.Algorithm() != tt.alg {
				t.Errorf("key = %v, signs %v, want %v", k, k.CanSign(), tt.signs)
			}
			signer := must(keys.FromSigner(tt.alg, tt.private))
			if !verifies(k, signed(t, signer, `{}`)) {
				t.Error("signature of the key refused")
			}
			if tt.signs && !verifies(signer, signed(t, k, `{}`)) {
				t.Error("own signature refused")
			}
		})
	}
}

func TestFromPEMRefuses(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	x25519 := must(ecdh.X25519().GenerateKey(rand.Reader))
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	weak := &rsa.PublicKey{N: modulus(1024), E: 65537}
	der := must(x509.MarshalPKCS8PrivateKey(ed))
	good := block("PRIVATE KEY", der)
	encrypted := string(pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: []byte("xxxx"),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"},
	}))
	for _, tt := range []struct {
		name, text string
		alg        keys.Algorithm
		want       string
	}{
		{"empty", "", keys.EdDSA, "no PEM block"},
		{"a secret", string(secret), keys.EdDSA, "no PEM block"},
		{"base64 without frame", b64(der), keys.EdDSA, "no PEM block"},
		{"cut short", good[:len(good)/2], keys.EdDSA, "END line is missing"},
		{"OpenSSH cut short", block("OPENSSH PRIVATE KEY", der)[:60], keys.EdDSA, "cut short"},
		{"one line", strings.ReplaceAll(good, "\n", " "), keys.EdDSA, "one line"},
		{"escaped line ends", strings.ReplaceAll(good, "\n", `\n`), keys.EdDSA, `printf '%b'`},
		{"UTF-16", strings.Join(strings.Split(good, ""), "\x00"), keys.EdDSA, "iconv"},
		{"binary", string(der), keys.EdDSA, "openssl pkey -inform DER"},
		{"binary with the bytes of an escaped line end", string(der) + `\n`, keys.EdDSA, "openssl pkey -inform DER"},
		{"OpenSSH public", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAB", keys.EdDSA, "ssh-keygen -e -m PKCS8"},
		{"SSH2 public", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABgQ\n", keys.RS256, "ssh-keygen -i"},
		{"PuTTY", "PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: none\n", keys.EdDSA, "puttygen"},
		{"JWK", string(jwk(edKey).text()), keys.EdDSA, "use ParseJWK"},
		{"parameters alone", block("EC PARAMETERS", []byte("x")), keys.ES256, "no PEM block"},
		{"two keys", good + good, keys.EdDSA, "2 blocks"},
		{"key and certificate", good + block("CERTIFICATE", []byte("x")), keys.EdDSA, "2 blocks"},
		{"parameters behind the key", good + block("EC PARAMETERS", []byte("x")), keys.EdDSA, "2 blocks"},
		{"block before that cannot be read", "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n" + good, keys.EdDSA, "2 blocks"},
		{"text behind", good + "x", keys.EdDSA, "goes on"},
		{"encrypted, PKCS #8", block("ENCRYPTED PRIVATE KEY", der), keys.EdDSA, "decrypt it first"},
		{"encrypted, old", encrypted, keys.RS256, "decrypt it first"},
		{"OpenSSH", block("OPENSSH PRIVATE KEY", der), keys.EdDSA, `"OPENSSH PRIVATE KEY" is not supported`},
		{"a block of another program", block("PGP PUBLIC KEY BLOCK", der), keys.EdDSA, "use PKCS #8, PKCS #1, SEC 1"},
		{"another block", block("CERTIFICATE REQUEST", der), keys.EdDSA, `"CERTIFICATE REQUEST" is not supported`},
		{"not PKCS #8", block("PRIVATE KEY", der[1:]), keys.EdDSA, `"PRIVATE KEY"`},
		{"not PKCS #1", block("RSA PRIVATE KEY", der[1:]), keys.RS256, `"RSA PRIVATE KEY" is damaged`},
		{"not SEC 1", block("EC PRIVATE KEY", der[1:]), keys.ES256, `"EC PRIVATE KEY" is damaged`},
		{"private key under the label of a public one", block("PUBLIC KEY", der), keys.EdDSA, `"PUBLIC KEY" holds a private key; its label is "PRIVATE KEY"`},
		{"PKCS #1 under the label of a public key", block("RSA PUBLIC KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), keys.RS256, `"RSA PUBLIC KEY" holds a private key; its label is "RSA PRIVATE KEY"`},
		{"certificate under the label of a key", block("PRIVATE KEY", certificate(t)), keys.RS256, `holds a certificate; its label is "CERTIFICATE"`},
		{"public key under the label of a private one", block("PRIVATE KEY", must(x509.MarshalPKIXPublicKey(edKey.Public()))), keys.EdDSA, `holds a public key; its label is "PUBLIC KEY"`},
		{"not a certificate", block("CERTIFICATE", der[1:]), keys.RS256, `"CERTIFICATE" is damaged`},
		{"secp256k1", block("PRIVATE KEY", []byte("\x30\x81\x06\x05\x2b\x81\x04\x00\x0a")), keys.ES256, "secp256k1"},
		{"curve by its parameters", block("EC PRIVATE KEY", []byte("\x30\x81\x06\x07\x2a\x86\x48\xce\x3d\x01\x01")), keys.ES256, "-param_enc named_curve"},
		{"key agreement", block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(x25519))), keys.EdDSA, "cannot sign"},
		{"public half of key agreement", block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(x25519.PublicKey()))), keys.EdDSA, "does not take"},
		{"curve too small", block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p224))), keys.ES256, "does not take a key on curve P-224"},
		{"other family", good, keys.RS256, "RS256 does not take a ed25519.PublicKey"},
		{"for HMAC", good, keys.HS256, "HS256 does not take"},
		{"weak", block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(weak))), keys.RS256, "1024 bits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.FromPEM(tt.alg, []byte(tt.text))
			refused(t, err, tt.want, tt.text, b64(der)[:20], strings.TrimSpace(strings.Split(good, "\n")[1]))
		})
	}
}
