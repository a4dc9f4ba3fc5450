package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/jwtgate/gate/internal/jws"
)

const input = "eyJhbGciOiJub25lIn0.e30"

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// pair is a signer and the verifier that belongs to it.
type pair struct {
	name     string
	signer   jws.Signer
	verifier jws.Verifier
	size     int // of a signature
}

func pairs() []pair {
	hashes := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}
	curves := map[string]elliptic.Curve{"256": elliptic.P256(), "384": elliptic.P384(), "512": elliptic.P521()}
	var all []pair
	for n, h := range hashes {
		mac := jws.NewHMAC(h, bytes.Repeat([]byte("s3cr"), 16))
		all = append(all, pair{"HS" + n, mac, mac, h.Size()})
		for _, pss := range []bool{false, true} {
			name := map[bool]string{false: "RS", true: "PS"}[pss] + n
			all = append(all, pair{name, &jws.PrivateKey{With: rsaKey().Sign, Hash: h, PSS: pss},
				&jws.RSA{Key: &rsaKey().PublicKey, Hash: h, PSS: pss}, 256})
		}
		key := must(ecdsa.GenerateKey(curves[n], rand.Reader))
		size := (key.Params().BitSize + 7) / 8
		all = append(all, pair{"ES" + n, &jws.PrivateKey{With: key.Sign, Hash: h, Size: size},
			&jws.ECDSA{Key: &key.PublicKey, Hash: h, Size: size}, 2 * size})
	}
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	return append(all, pair{"EdDSA", &jws.PrivateKey{With: private.Sign}, &jws.Ed25519{Key: public}, ed25519.SignatureSize})
}

func TestSignVerify(t *testing.T) {
	for _, p := range pairs() {
		t.Run(p.name, func(t *testing.T) {
			// ECDSA numbers begin with zero bytes only now and then.
			for range 20 {
				sig, err := p.signer.Sign([]byte("prefix"), []byte(input))
				raw, ok := bytes.CutPrefix(sig, []byte("prefix"))
				if err != nil || !ok || len(raw) != p.size {
					t.Fatalf("Sign = %d bytes, %v; want %d behind the prefix", len(raw), err, p.size)
				}
				if !p.verifier.Verify(input, jws.Enc.EncodeToString(raw)) {
					t.Fatal("own signature refused")
				}
				if strings.HasPrefix(p.name, "RS") {
					break
				}
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	for _, p := range pairs() {
		raw := must(p.signer.Sign(nil, []byte(input)))
		sig := jws.Enc.EncodeToString(raw)
		flipped := bytes.Clone(raw)
		flipped[0] ^= 1
		for _, tt := range []struct{ name, input, signature string }{
			{"other input", input + "x", sig},
			{"empty", input, ""},
			{"bit flipped", input, jws.Enc.EncodeToString(flipped)},
			{"cut short", input, jws.Enc.EncodeToString(raw[:len(raw)-1])},
			{"byte behind", input, jws.Enc.EncodeToString(append(bytes.Clone(raw), 0))},
			{"zeros", input, jws.Enc.EncodeToString(make([]byte, len(raw)))},
			{"ones", input, jws.Enc.EncodeToString(bytes.Repeat([]byte{0xff}, len(raw)))},
			{"padded", input, sig + "="},
			{"line feed", input, sig + "\n"},
			{"foreign character", input, "!" + sig[1:]},
			{"very long", input, strings.Repeat("A", 1<<16)},
		} {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				if p.verifier.Verify(tt.input, tt.signature) {
					t.Error("accepted")
				}
			})
		}
	}
}

// Every pair but the two halves of itself refuses the signature.
func TestVerifyCrosswise(t *testing.T) {
	all := pairs()
	for _, a := range all {
		sig := jws.Enc.EncodeToString(must(a.signer.Sign(nil, []byte(input))))
		for _, b := range all {
			if a.name != b.name && b.verifier.Verify(input, sig) {
				t.Errorf("%s accepts a signature of %s", b.name, a.name)
			}
		}
	}
}

func TestHMACCopiesSecret(t *testing.T) {
	secret := bytes.Repeat([]byte("s3cr"), 8)
	mac := jws.NewHMAC(crypto.SHA256, secret)
	clear(secret)
	want := must(jws.NewHMAC(crypto.SHA256, bytes.Repeat([]byte("s3cr"), 8)).Sign(nil, []byte(input)))
	if got := must(mac.Sign(nil, []byte(input))); !bytes.Equal(got, want) {
		t.Error("the signature changed with the caller's slice")
	}
}

func TestHMACConcurrently(t *testing.T) {
	mac := jws.NewHMAC(crypto.SHA256, bytes.Repeat([]byte("s3cr"), 8))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			text := strings.Repeat("x", i)
			for range 100 {
				sig := must(mac.Sign(nil, []byte(text)))
				if !mac.Verify(text, jws.Enc.EncodeToString(sig)) {
					t.Error("own signature refused")
				}
			}
		})
	}
	wg.Wait()
}

// RFC 7518 section 3.5: the salt is as long as the hash.
func TestPSSSalt(t *testing.T) {
	digest := crypto.SHA256.New()
	digest.Write([]byte(input))
	for _, tt := range []struct {
		name string
		salt int
		want bool
	}{
		{"as long as the hash", 32, true},
		{"none", 0, false},
		{"shorter", 20, false},
		{"longer", 48, false},
		{"as long as fits", rsa.PSSSaltLengthAuto, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts := &rsa.PSSOptions{SaltLength: tt.salt, Hash: crypto.SHA256}
			sig := must(rsaKey().Sign(rand.Reader, digest.Sum(nil), opts))
			v := &jws.RSA{Key: &rsaKey().PublicKey, Hash: crypto.SHA256, PSS: true}
			if got := v.Verify(input, jws.Enc.EncodeToString(sig)); got != tt.want {
				t.Errorf("Verify = %v, want %v", got, tt.want)
			}
		})
	}
}

// fake is a signer that answers with what it was given.
type fake struct {
	signature []byte
	err       error
}

func (f fake) Public() crypto.PublicKey { return nil }

func (f fake) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return f.signature, f.err }

func TestSignerFails(t *testing.T) {
	want := errors.New("no connection to the key store")
	_, err := (&jws.PrivateKey{With: fake{err: want}.Sign, Hash: crypto.SHA256}).Sign(nil, nil)
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
}

// A signer in another machine may answer anything.
func TestECDSASignerLies(t *testing.T) {
	full := strings.Repeat("\x11", 32)
	for _, tt := range []struct{ name, der string }{
		{"nothing", ""},
		{"one byte", "\x30"},
		{"not a sequence", "\x31\x06\x02\x01\x01\x02\x01\x01"},
		{"raw instead of ASN.1", full + full},
		{"empty sequence", "\x30\x00"},
		{"one number", "\x30\x03\x02\x01\x01"},
		{"three numbers", "\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01"},
		{"byte behind", "\x30\x06\x02\x01\x01\x02\x01\x01\x00"},
		{"sequence longer than the text", "\x30\x07\x02\x01\x01\x02\x01\x01"},
		{"number longer than the sequence", "\x30\x06\x02\x01\x01\x02\x02\x01"},
		{"indefinite length", "\x30\x80\x02\x01\x01\x02\x01\x01\x00\x00"},
		{"long length of a short text", "\x30\x81\x06\x02\x01\x01\x02\x01\x01"},
		{"length cut short", "\x30\x81"},
		{"length of two bytes", "\x30\x82\x00\x06\x02\x01\x01\x02\x01\x01"},
		{"empty number", "\x30\x05\x02\x00\x02\x01\x01"},
		{"negative number", "\x30\x06\x02\x01\xff\x02\x01\x01"},
		{"zero", "\x30\x06\x02\x01\x00\x02\x01\x01"},
		{"not a number", "\x30\x06\x04\x01\x01\x02\x01\x01"},
		{"number too large", "\x30\x26\x02\x21\x11" + full + "\x02\x01\x01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &jws.PrivateKey{With: fake{signature: []byte(tt.der)}.Sign, Hash: crypto.SHA256, Size: 32}
			if got, err := s.Sign(nil, nil); err == nil {
				t.Errorf("Sign = %x, want an error", got)
			}
		})
	}
}

func TestECDSASignerPads(t *testing.T) {
	der := "\x30\x07\x02\x02\x00\x80\x02\x01\x7f"
	s := &jws.PrivateKey{With: fake{signature: []byte(der)}.Sign, Hash: crypto.SHA256, Size: 3}
	got, err := s.Sign(nil, nil)
	if want := []byte{0, 0, 0x80, 0, 0, 0x7f}; err != nil || !bytes.Equal(got, want) {
		t.Errorf("Sign = %x, %v; want %x", got, err, want)
	}
}
