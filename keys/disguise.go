package keys

import (
	"bytes"
	"errors"
	"regexp"
)

// checkSecret refuses a secret that is a key of another kind, also one that is quoted,
// escaped, encoded or cut short. Where a public key is taken for a secret, everyone who
// knows the public key can sign.
func checkSecret(secret []byte) error {
	u := unwrapper{left: maxTexts}
	return u.check(secret)
}

// maxTexts bounds the work for a secret that is wrapped many times.
const maxTexts = 64

// unwrapper looks into what a text may have been encoded from.
type unwrapper struct{ left int }

func (u *unwrapper) check(text []byte) error {
	u.left--
	if err := checkPlain(text); err != nil || u.left <= 0 {
		return err
	}
	for _, unwrap := range []func([]byte) []content{withoutNULs, unescaped, decimals, decoded} {
		for _, c := range unwrap(text) {
			if err := u.checkContent(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// content is what a text may have been encoded from.
type content struct {
	bytes []byte
	whole bool // not cut at the front
}

func (u *unwrapper) checkContent(c content) error {
	if err := checkMarks(c.bytes); err != nil {
		return err
	}
	if c.whole {
		if err := checkNumber(c.bytes); err != nil {
			return err
		}
	}
	if isText(c.bytes) {
		return u.check(c.bytes)
	}
	return nil
}

var (
	frame = regexp.MustCompile(`-- ?(BEGIN|END)|(BEGIN|END) [A-Z0-9 ]{0,40}(KEY|CERTIFICATE)|<(RSA|EC|DSA)KeyValue|PuTTY-User-Key`)
	// The names decide, so that JSON which is cut short or has a name twice is found.
	jwkNames = regexp.MustCompile(`\bkty\\*["']?\s*[:=]|[{\[,]\s*\\*["']keys\\*["']\s*:`)
)

// checkPlain looks for keys in a form for people to read.
func checkPlain(text []byte) error {
	switch {
	case frame.Match(text):
		return errors.New("keys: the secret is PEM text or another text form of a key; use FromPEM with the key's own algorithm")
	case jwkNames.Match(text):
		return errors.New("keys: the secret is a JSON Web Key; use ParseJWK or ParseSet")
	case hasMark(bytes.TrimSpace(text)):
		return errOpenSSH
	}
	if err := checkMarks(text); err != nil {
		return err
	}
	return checkNumber(text)
}

// publicMarks begin the texts of public keys, as ssh-keygen writes them.
var publicMarks = []string{"ssh-rsa", "ssh-dss", "ssh-ed25519", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"}

// hasMark reports whether the text begins as an OpenSSH public key.
func hasMark(text []byte) bool {
	for _, mark := range publicMarks {
		if bytes.HasPrefix(text, []byte(mark)) {
			return true
		}
	}
	return false
}

// openSSH is in the binary form of OpenSSH keys, which the base64 of their texts stands
// for: the name of the kind behind its length.
var openSSH = regexp.MustCompile(`\x00\x00\x00[\x07-\x40](ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)|openssh-key-v1\x00`)

var errOpenSSH = errors.New("keys: the secret is an OpenSSH public key, which is no secret")

// derMarks are octets that keys and certificates in DER have, and that random secrets
// do not: the shortest has 40 bits.
var derMarks = []string{
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01",                                                                     // RSA
	"\x2a\x86\x48\xce\x3d\x02\x01",                                                                         // EC
	"\x2a\x86\x48\xce\x38\x04\x01",                                                                         // DSA
	"\x30\x05\x06\x03\x2b\x65",                                                                             // Ed25519, Ed448, X25519, X448
	"\x02\x82\x01\x01\x00", "\x02\x82\x01\x81\x00", "\x02\x82\x02\x01\x00", "\x30\x81\x89\x02\x81\x81\x00", // a modulus
}

// checkMarks looks for octets that binary forms of keys have.
func checkMarks(b []byte) error {
	if openSSH.Match(b) {
		return errOpenSSH
	}
	for _, mark := range derMarks {
		if bytes.Contains(b, []byte(mark)) {
			return errors.New("keys: the secret is a key or certificate in DER, which is no secret")
		}
	}
	return nil
}

// checkNumber looks for a public key without any frame. The line ends of an editor may
// follow it, and the number itself may end in octets that look like them.
func checkNumber(b []byte) error {
	for ; ; b = b[:len(b)-1] {
		if isPoint(b) || isModulus(b) {
			return errNumber
		}
		if !bytes.HasSuffix(b, []byte("\n")) && !bytes.HasSuffix(b, []byte("\r")) {
			return nil
		}
	}
}

var errNumber = errors.New("keys: the secret is the public number of an RSA key or the public point of an EC key, or cannot be told from one; make a secret with: openssl rand -base64 64")
