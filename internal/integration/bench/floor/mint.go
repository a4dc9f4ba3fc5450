package floor

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strconv"
)

func AppendClaims(b []byte, c *Claims) []byte {
	if c.Fresh {
		b = append(b, `{"fresh":true,"iat":`...)
	} else {
		b = append(b, `{"fresh":false,"iat":`...)
	}
	b = strconv.AppendInt(b, c.IAT, 10)
	b = append(b, `,"jti":`...)
	b = quote(b, c.JTI)
	b = append(b, `,"type":`...)
	b = quote(b, c.Type)
	b = append(b, `,"sub":`...)
	b = quote(b, c.Sub)
	b = append(b, `,"nbf":`...)
	b = strconv.AppendInt(b, c.NBF, 10)
	b = append(b, `,"csrf":`...)
	b = quote(b, c.CSRF)
	b = append(b, `,"exp":`...)
	b = strconv.AppendInt(b, c.EXP, 10)
	return append(b, '}')
}
func quote(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] >= 0x7f {
			return strconv.AppendQuote(b, s) // slow path stand-in
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func UUID4() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	const hx = "0123456789abcdef"
	var o [36]byte
	j := 0
	for i, x := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			o[j] = '-'
			j++
		}
		o[j], o[j+1] = hx[x>>4], hx[x&15]
		j += 2
	}
	return string(o[:])
}

func (v *HS) Sign(c *Claims) string {
	st := v.pool.Get().(*hsState)
	b := append(st.buf[:0], v.head...)
	b = append(b, '.')
	var js [512]byte
	b = enc.AppendEncode(b, AppendClaims(js[:0], c))
	st.h.Reset()
	st.h.Write(b)
	b = append(b, '.')
	var sum [32]byte
	st.h.Sum(sum[:0])
	b = enc.AppendEncode(b, sum[:])
	s := string(b)
	st.buf = b[:0]
	v.pool.Put(st)
	return s
}

type Signer func(dst, input []byte) []byte

func SignWith(head string, c *Claims, sig Signer) string {
	var a [1024]byte
	b := append(a[:0], head...)
	b = append(b, '.')
	var js [512]byte
	b = enc.AppendEncode(b, AppendClaims(js[:0], c))
	var sb [512]byte
	sg := sig(sb[:0], b)
	b = append(b, '.')
	b = enc.AppendEncode(b, sg)
	return string(b)
}

func RSSigner(k *rsa.PrivateKey) Signer {
	return func(dst, in []byte) []byte {
		d := sha256.Sum256(in)
		s, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, d[:])
		if err != nil {
			panic(err)
		}
		return s
	}
}
func ESSigner(k *ecdsa.PrivateKey) Signer {
	return func(dst, in []byte) []byte {
		d := sha256.Sum256(in)
		der, err := ecdsa.SignASN1(rand.Reader, k, d[:])
		if err != nil {
			panic(err)
		}
		// DER -> raw
		dst = dst[:64]
		clear(dst)
		put := func(o []byte, b []byte) {
			for len(b) > 0 && b[0] == 0 {
				b = b[1:]
			}
			copy(o[32-len(b):], b)
		}
		rl := int(der[3])
		put(dst[:32], der[4:4+rl])
		put(dst[32:], der[6+rl:])
		return dst
	}
}
func EdSigner(k ed25519.PrivateKey) Signer {
	return func(dst, in []byte) []byte { return ed25519.Sign(k, in) }
}
