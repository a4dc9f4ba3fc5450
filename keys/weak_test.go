package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

func TestHMACLength(t *testing.T) {
	for _, tt := range []struct {
		alg  keys.Algorithm
		size int
	}{{keys.HS256, 32}, {keys.HS384, 48}, {keys.HS512, 64}} {
		if _, err := keys.HMAC(tt.alg, secret[:tt.size]); err != nil {
			t.Errorf("%s with %d bytes: %v", tt.alg, tt.size, err)
		}
		for _, size := range []int{0, 1, tt.size - 1} {
			_, err := keys.HMAC(tt.alg, secret[:size])
			refused(t, err, "openssl rand -base64")
		}
		if _, err := keys.InsecureHMAC(tt.alg, secret[:1]); err != nil {
			t.Errorf("%s, insecure: %v", tt.alg, err)
		}
		_, err := keys.InsecureHMAC(tt.alg, nil)
		refused(t, err, "empty")
	}
}

func TestHMACRepeated(t *testing.T) {
	for _, c := range []string{"a", "\x00", "\xff"} {
		_, err := keys.HMAC(keys.HS256, []byte(strings.Repeat(c, 32)))
		refused(t, err, "one byte repeated")
	}
	if _, err := keys.HMAC(keys.HS256, []byte(strings.Repeat("a", 31)+"b")); err != nil {
		t.Error(err)
	}
}

// Secrets of examples are in the lists that attackers try.
func TestHMACOfAnExample(t *testing.T) {
	for _, text := range []string{
		"a-string-secret-at-least-256-bits-long",
		"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
		"change me: a secret of 32 bytes or more",
		"CHANGEME-CHANGEME-CHANGEME-CHANGEME",
		"replace_me_with_32_random_bytes_please",
		"your-256-bit-secret-your-256-bit-secret",
		"your_super_secret_jwt_key_for_production",
	} {
		_, err := keys.HMAC(keys.HS256, []byte(text))
		refused(t, err, "a text from an example")
		if _, err := keys.InsecureHMAC(keys.HS256, []byte(text)); err != nil {
			t.Errorf("%q, insecure: %v", text, err)
		}
	}
	for _, text := range []string{"32-random-characters-or-more-are-best", "correct horse battery staple, 64 bits", "b3VyIHNlY3JldCBpcyBub3QgeW91cnMgdG8gdGFrZQ"} {
		if _, err := keys.HMAC(keys.HS256, []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A key of another kind is no secret: who knows the public key could sign.
func TestHMACOfAnotherKey(t *testing.T) {
	spki := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	public := jwk(rsaKey()).with(hidden).text()
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	for _, tt := range []struct{ name, text, want string }{
		{"PEM", block, "PEM"},
		{"PEM behind white space", "\r\n\t " + block, "PEM"},
		{"PEM behind a byte order mark", "\xef\xbb\xbf" + block, "PEM"},
		{"PEM behind other text", "Bag Attributes\n" + block, "PEM"},
		{"PEM of a private key", strings.ReplaceAll(block, "PUBLIC", "PRIVATE"), "PEM"},
		{"PEM of a certificate", strings.ReplaceAll(block, "PUBLIC KEY", "CERTIFICATE"), "PEM"},
		{"PEM cut short", block[:60], "PEM"},
		{"SSH2 public key", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABgQ\n", "PEM"},
		{"OpenSSH RSA", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 user@host", "OpenSSH"},
		{"OpenSSH DSA", "ssh-dss AAAAB3NzaC1kc3MAAACBAN7mZ user@host xxxx", "OpenSSH"},
		{"OpenSSH Ed25519", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAB", "OpenSSH"},
		{"OpenSSH ECDSA", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY", "OpenSSH"},
		{"OpenSSH Ed25519 with a token", "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5", "OpenSSH"},
		{"OpenSSH ECDSA with a token", "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNh", "OpenSSH"},
		{"OpenSSH certificate", "ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2EtY2VydC", "OpenSSH"},
		{"OpenSSH behind white space", "\n ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7", "OpenSSH"},
		{"JWK", string(public), "JSON Web Key"},
		{"JWK behind white space", " \n" + string(public), "JSON Web Key"},
		{"JWK of a secret", `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}`, "JSON Web Key"},
		{"JWK cut short", string(public[:100]) + `,"kty":`, "JSON Web Key"},
		{"JWK Set", `{"keys":[` + string(public) + `]}`, "JSON Web Key"},
		{"JWK Set without keys", `{ "keys" : [                      ] }`, "JSON Web Key"},
		{"list of JWKs", `[` + string(public) + `]`, "JSON Web Key"},
		{"DER", string(spki), "DER"},
		{"DER, PKCS #1", string(x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)), "DER"},
		{"DER of a certificate", string(certificate(t)), "DER"},
		{"DER in base64", base64.StdEncoding.EncodeToString(spki), "DER"},
		{"DER in base64 of several lines", strings.Join(strings.Split(block, "\n")[1:8], "\n"), "DER"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.HMAC(keys.HS256, []byte(tt.text))
			refused(t, err, tt.want, tt.text)
			_, err = keys.InsecureHMAC(keys.HS256, []byte(tt.text))
			refused(t, err, tt.want, tt.text)
		})
	}
}

func TestHMACTakes(t *testing.T) {
	for _, tt := range []struct{ name, secret string }{
		{"hexadecimal", "3f8a1d0c9b7e6f5a4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3b2a190817263"},
		{"base64", "9mFpYQ0v3aQm8S1n7h2kJd4xR6cT5uWbZyEeLrPiVgU="},
		{"words", "correct horse battery staple, and some more"},
		{"JSON of something else", `{"password":"correct horse battery staple"}`},
		{"bytes that begin as DER", "0\x82\x01\x22" + string(secret)},
		{"base64 of bytes that begin as DER", base64.StdEncoding.EncodeToString([]byte("0\x82\x01\x22" + string(secret)))},
		{"words about keys", "at the END of the day, BEGIN with the ssh key of the weekend monkey"},
		{"words about OpenSSH", "the key is of kind ssh-rsa and the other one ecdsa-sha2-nistp256"},
		{"a long number", strings.Repeat("31415926535897932384626433832795", 8)},
		{"a longer number", strings.Repeat("31415926535897932384626433832795", 100)},
		{"white space alone", strings.Repeat(" \n", 32)},
	} {
		if _, err := keys.HMAC(keys.HS256, []byte(tt.secret)); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// modulus is an odd number of the given bits without small divisors, no two primes'
// product: enough to be looked at.
func modulus(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	for n.SetBit(n, 0, 1); !coprime(n); n.Add(n, big.NewInt(2)) {
	}
	return n
}

func coprime(n *big.Int) bool {
	for p := range int64(200) {
		if p > 1 && new(big.Int).Mod(n, big.NewInt(p)).Sign() == 0 {
			return false
		}
	}
	return true
}

// roca is the product of two primes made like those of the flawed chips: k·M plus a
// power of 65537 modulo M, where M is the product of the first small primes.
func roca(t *testing.T) *big.Int {
	t.Helper()
	m := big.NewInt(1)
	for p := range int64(168) {
		if big.NewInt(p).ProbablyPrime(10) {
			m.Mul(m, big.NewInt(p))
		}
	}
	prime := func(exponent int64) *big.Int {
		k := new(big.Int).Lsh(big.NewInt(3), uint(1024-m.BitLen()))
		p := new(big.Int).Exp(big.NewInt(65537), big.NewInt(exponent), m)
		for p.Add(p, k.Mul(k, m)); !p.ProbablyPrime(10); p.Add(p, m) {
		}
		return p
	}
	return new(big.Int).Mul(prime(1<<40+7), prime(1<<41+13))
}

func TestFromPublicRSA(t *testing.T) {
	good := rsaKey().N
	long := int64(1<<31 + 1) // more than an int holds on some machines
	for _, tt := range []struct {
		name string
		n    *big.Int
		e    int
		want string
	}{
		{"2048 bits", good, 65537, ""},
		{"exponent 3", good, 3, ""},
		{"largest exponent", good, 1<<31 - 1, ""},
		{"8192 bits", modulus(8192), 65537, ""},
		{"1024 bits", modulus(1024), 65537, "1024 bits"},
		{"2047 bits", modulus(2047), 65537, "2047 bits"},
		{"8193 bits", modulus(8193), 65537, "8193 bits"},
		{"16384 bits", modulus(16384), 65537, "16384 bits"},
		{"exponent 1", good, 1, "exponent"},
		{"exponent 2", good, 2, "exponent"},
		{"exponent 0", good, 0, "exponent"},
		{"negative exponent", good, -3, "exponent"},
		{"even exponent", good, 65536, "exponent"},
		{"exponent of 32 bits", good, int(long), "exponent"},
		{"ROCA", roca(t), 65537, "ROCA"},
		{"even", new(big.Int).Lsh(good, 1), 65537, "even"},
		{"divisible by three", new(big.Int).Mul(good, big.NewInt(3)), 65537, "divisible by 3"},
		{"divisible by 167", new(big.Int).Mul(good, big.NewInt(167)), 65537, "divisible by 167"},
		{"zero", new(big.Int), 65537, "modulus"},
		{"negative", new(big.Int).Neg(good), 65537, "modulus"},
		{"nil", nil, 65537, "modulus"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.FromPublic(keys.RS256, &rsa.PublicKey{N: tt.n, E: tt.e})
			if tt.want == "" && err != nil {
				t.Error(err)
			}
			if tt.want != "" {
				refused(t, err, tt.want)
			}
		})
	}
}

func TestFromPublicEd25519(t *testing.T) {
	off := []byte{2, 31: 0} // y = 2 has no x
	for _, tt := range []struct {
		name, key, want string
	}{
		{"y of the identity", "0100000000000000000000000000000000000000000000000000000000000000", "small order"},
		{"identity with sign", "0100000000000000000000000000000000000000000000000000000000000080", "small order"},
		{"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "small order"},
		{"order 4, all zeros", "0000000000000000000000000000000000000000000000000000000000000000", "small order"},
		{"order 4 with sign", "0000000000000000000000000000000000000000000000000000000000000080", "small order"},
		{"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "small order"},
		{"order 8 with sign", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", "small order"},
		{"order 8, the other", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "small order"},
		{"order 8, the other with sign", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "small order"},
		{"p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "canonical"},
		{"p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "canonical"},
		{"all ones", strings.Repeat("ff", 32), "canonical"},
		{"not on the curve", hex.EncodeToString(off), "not a point"},
		{"empty", "", "32 bytes"},
		{"short", strings.Repeat("01", 31), "32 bytes"},
		{"long", strings.Repeat("01", 33), "32 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, alg := range []keys.Algorithm{keys.EdDSA, keys.Ed25519} {
				_, err := keys.FromPublic(alg, ed25519.PublicKey(must(hex.DecodeString(tt.key))))
				refused(t, err, tt.want)
			}
		})
	}
}

func TestFromPublicEd25519Takes(t *testing.T) {
	for range 100 {
		public, _, _ := ed25519.GenerateKey(rand.Reader)
		k, err := keys.FromPublic(keys.EdDSA, public)
		if err != nil {
			t.Fatalf("%x: %v", []byte(public), err)
		}
		if !bytes.Equal(k.Public().(ed25519.PublicKey), public) {
			t.Fatal("Public is another key")
		}
	}
}

func TestFromPublicType(t *testing.T) {
	public, _, _ := ed25519.GenerateKey(rand.Reader)
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for _, tt := range []struct {
		name string
		key  any
		fits []keys.Algorithm
		want string
	}{
		{"nil", nil, nil, "does not take a <nil>"},
		{"nil RSA", (*rsa.PublicKey)(nil), nil, ""},
		{"nil ECDSA", (*ecdsa.PublicKey)(nil), nil, "does not take"},
		{"nil Ed25519", ed25519.PublicKey(nil), nil, ""},
		{"bytes", []byte("key"), nil, "does not take a []uint8"},
		{"RSA by value", rsaKey().PublicKey, nil, "does not take a rsa.PublicKey"},
		{"private", rsaKey(), nil, "does not take a *rsa.PrivateKey"},
		{"RSA", &rsaKey().PublicKey, algorithms[3:9], "does not take"},
		{"ECDSA", &ec.PublicKey, algorithms[9:10], "does not take a key on curve P-256"},
		{"Ed25519", public, algorithms[12:], "does not take"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, alg := range algorithms {
				_, err := keys.FromPublic(alg, tt.key)
				if !slices.Contains(tt.fits, alg) {
					refused(t, err, tt.want)
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", alg, err)
				}
			}
		})
	}
}
