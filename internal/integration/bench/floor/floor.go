// Package floor is the hand-written lower bound for the benchmark. It does only the
// cryptography, strict base64, and one strict pass over the eight claims of a typical
// access token.
package floor

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strings"
	"sync"
	"unsafe"
)

type Claims struct {
	Fresh bool   `json:"fresh"`
	IAT   int64  `json:"iat"`
	JTI   string `json:"jti"`
	Type  string `json:"type"`
	Sub   string `json:"sub"`
	NBF   int64  `json:"nbf"`
	CSRF  string `json:"csrf"`
	EXP   int64  `json:"exp"`
}

var (
	ErrForm = errors.New("form")
	ErrSig  = errors.New("sig")
	ErrJSON = errors.New("json")
	ErrExp  = errors.New("exp")
)

var enc = base64.RawURLEncoding.Strict()

// Header per alg, fixed.
func HeaderB64(alg string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","typ":"JWT"}`))
}

type HS struct {
	head string
	pool sync.Pool
}
type hsState struct {
	h   hash.Hash
	buf []byte // scratch: decoded payload + sig + sum
}

func NewHS(key []byte) *HS {
	k := append([]byte(nil), key...)
	return &HS{head: HeaderB64("HS256"), pool: sync.Pool{New: func() any {
		return &hsState{h: hmac.New(sha256.New, k), buf: make([]byte, 0, 1024)}
	}}}
}

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// CryptoOnly verifies a decoded signature over the signing input.
func (v *HS) CryptoOnly(input string, sig []byte) bool {
	st := v.pool.Get().(*hsState)
	st.h.Reset()
	st.h.Write(bytesOf(input))
	sum := st.h.Sum(st.buf[:0])
	ok := hmac.Equal(sum, sig)
	v.pool.Put(st)
	return ok
}

// split returns payload start, end of payload.
func split(tok, head string) (p0, p1 int, ok bool) {
	h := len(head)
	if len(tok) < h+2 || tok[h] != '.' || tok[:h] != head {
		return 0, 0, false
	}
	d := strings.IndexByte(tok[h+1:], '.')
	if d < 0 {
		return 0, 0, false
	}
	p1 = h + 1 + d
	if strings.IndexByte(tok[p1+1:], '.') >= 0 {
		return 0, 0, false
	}
	return h + 1, p1, true
}

func hasNL(s string) bool { return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 }

// Verify: strict b64, hmac, claims decode, exp/nbf check. 1 alloc (payload copy, strings share it).
func (v *HS) Verify(tok string, c *Claims, now int64) error {
	p0, p1, ok := split(tok, v.head)
	if !ok || hasNL(tok) {
		return ErrForm
	}
	st := v.pool.Get().(*hsState)
	st.h.Reset()
	st.h.Write(bytesOf(tok[:p1]))
	sum := st.h.Sum(st.buf[:0])
	var sig [32]byte
	if enc.DecodedLen(len(tok)-p1-1) != 32 {
		v.pool.Put(st)
		return ErrSig
	}
	if _, err := enc.Decode(sig[:], bytesOf(tok[p1+1:])); err != nil || !hmac.Equal(sum, sig[:]) {
		v.pool.Put(st)
		return ErrSig
	}
	v.pool.Put(st)
	return decodePayload(tok[p0:p1], c, now)
}

func decodePayload(b64 string, c *Claims, now int64) error {
	buf := make([]byte, enc.DecodedLen(len(b64)))
	n, err := enc.Decode(buf, bytesOf(b64))
	if err != nil {
		return ErrForm
	}
	if err := Decode(unsafe.String(unsafe.SliceData(buf), n), c); err != nil {
		return err
	}
	if c.EXP <= now || c.NBF > now {
		return ErrExp
	}
	return nil
}

type RS struct {
	head string
	key  *rsa.PublicKey
}

func NewRS(k *rsa.PublicKey) *RS { return &RS{HeaderB64("RS256"), k} }

func (v *RS) CryptoOnly(input string, sig []byte) bool {
	d := sha256.Sum256(bytesOf(input))
	return rsa.VerifyPKCS1v15(v.key, crypto.SHA256, d[:], sig) == nil
}
func (v *RS) Verify(tok string, c *Claims, now int64) error {
	p0, p1, ok := split(tok, v.head)
	if !ok || hasNL(tok) {
		return ErrForm
	}
	var sb [512]byte
	if enc.DecodedLen(len(tok)-p1-1) > 512 {
		return ErrSig
	}
	n, err := enc.Decode(sb[:], bytesOf(tok[p1+1:]))
	if err != nil || !v.CryptoOnly(tok[:p1], sb[:n]) {
		return ErrSig
	}
	return decodePayload(tok[p0:p1], c, now)
}

type ES struct {
	head string
	key  *ecdsa.PublicKey
}

func NewES(k *ecdsa.PublicKey) *ES { return &ES{HeaderB64("ES256"), k} }

func derInt(dst []byte, b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	if b[0]&0x80 != 0 {
		dst = append(dst, 2, byte(len(b)+1), 0)
	} else {
		dst = append(dst, 2, byte(len(b)))
	}
	return append(dst, b...)
}

// CryptoOnly re-encodes raw r||s as DER on the stack and calls VerifyASN1 (no big.Int).
func (v *ES) CryptoOnly(input string, sig []byte) bool {
	if len(sig) != 64 {
		return false
	}
	var der [72]byte
	b := append(der[:0], 0x30, 0)
	b = derInt(b, sig[:32])
	b = derInt(b, sig[32:])
	b[1] = byte(len(b) - 2)
	d := sha256.Sum256(bytesOf(input))
	return ecdsa.VerifyASN1(v.key, d[:], b)
}
func (v *ES) Verify(tok string, c *Claims, now int64) error {
	p0, p1, ok := split(tok, v.head)
	if !ok || hasNL(tok) {
		return ErrForm
	}
	var sb [64]byte
	if enc.DecodedLen(len(tok)-p1-1) != 64 {
		return ErrSig
	}
	if _, err := enc.Decode(sb[:], bytesOf(tok[p1+1:])); err != nil || !v.CryptoOnly(tok[:p1], sb[:]) {
		return ErrSig
	}
	return decodePayload(tok[p0:p1], c, now)
}

type Ed struct {
	head string
	key  ed25519.PublicKey
}

func NewEd(k ed25519.PublicKey) *Ed { return &Ed{HeaderB64("EdDSA"), k} }
func (v *Ed) CryptoOnly(input string, sig []byte) bool {
	return ed25519.Verify(v.key, bytesOf(input), sig)
}
func (v *Ed) Verify(tok string, c *Claims, now int64) error {
	p0, p1, ok := split(tok, v.head)
	if !ok || hasNL(tok) {
		return ErrForm
	}
	var sb [64]byte
	if enc.DecodedLen(len(tok)-p1-1) != 64 {
		return ErrSig
	}
	if _, err := enc.Decode(sb[:], bytesOf(tok[p1+1:])); err != nil || !v.CryptoOnly(tok[:p1], sb[:]) {
		return ErrSig
	}
	return decodePayload(tok[p0:p1], c, now)
}
