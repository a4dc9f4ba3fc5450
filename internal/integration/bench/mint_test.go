package bench_test

import (
	"context"
	"time"

	cristalhq "github.com/cristalhq/jwt/v5"
	jose "github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golang "github.com/golang-jwt/jwt/v5"
	kataras "github.com/kataras/jwt"
	jwx "github.com/lestrrat-go/jwx/v3/jwt"
	pascaldekloe "github.com/pascaldekloe/jwt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/bench/floor"
)

// addMint adds the creation of one token. The floor and "gate-no-sid" make two random
// identifiers and read the clock for each; "gate" makes a third for the session; the
// others, and "floor-fixed", are given all.
func (f *fixture) addMint() {
	mint := func(who string, run func() error) { add("mint", f.alg, who, run) }
	mint("floor", func() error {
		c := claims
		c.JTI, c.CSRF, c.IAT = floor.UUID4(), floor.UUID4(), time.Now().Unix()
		f.mint(&c)
		return nil
	})
	mint("floor-fixed", func() error { f.mint(&claims); return nil })
	mint("gate", func() error {
		_, err := f.gate.CreateAccessToken(context.Background(), claims.Sub, gate.TokenOptions{Fresh: true})
		return err
	})
	mint("gate-no-sid", func() error {
		_, err := f.sessionless.CreateAccessToken(context.Background(), claims.Sub, gate.TokenOptions{Fresh: true})
		return err
	})
	mint("golang-jwt-map", func() error {
		c := golang.MapClaims{"fresh": true, "iat": claims.IAT, "jti": claims.JTI, "type": claims.Type,
			"sub": claims.Sub, "nbf": claims.NBF, "csrf": claims.CSRF, "exp": claims.EXP}
		_, err := golang.NewWithClaims(f.golang, c).SignedString(f.private)
		return err
	})
	mint("golang-jwt-struct", f.mintGolangStruct)
	mint("jwx", f.mintJWX)
	mint("go-jose", f.mintGoJose())
	mint("kataras", func() error {
		_, err := kataras.Sign(f.kataras, f.private, struct {
			private
			kataras.Claims
		}{others(), kataras.Claims{Subject: claims.Sub, ID: claims.JTI, IssuedAt: claims.IAT, NotBefore: claims.NBF, Expiry: claims.EXP}})
		return err
	})
	mint("cristalhq", f.mintCristalhq())
	mint("pascaldekloe", f.mintPascaldekloe)
}

func (f *fixture) mintGolangStruct() error {
	date := func(n int64) *golang.NumericDate { return golang.NewNumericDate(time.Unix(n, 0)) }
	c := golangClaims{others(), golang.RegisteredClaims{Subject: claims.Sub, ID: claims.JTI,
		IssuedAt: date(claims.IAT), NotBefore: date(claims.NBF), ExpiresAt: date(claims.EXP)}}
	_, err := golang.NewWithClaims(f.golang, c).SignedString(f.private)
	return err
}

func (f *fixture) mintJWX() error {
	t, err := jwx.NewBuilder().Subject(claims.Sub).JwtID(claims.JTI).IssuedAt(time.Unix(claims.IAT, 0)).
		NotBefore(time.Unix(claims.NBF, 0)).Expiration(time.Unix(claims.EXP, 0)).
		Claim("fresh", true).Claim("type", claims.Type).Claim("csrf", claims.CSRF).Build()
	if err != nil {
		return err
	}
	_, err = jwx.Sign(t, jwx.WithKey(f.jwx, f.private))
	return err
}

func (f *fixture) mintGoJose() func() error {
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: f.jose, Key: f.private}, (&jose.SignerOptions{}).WithType("JWT")))
	date := func(n int64) *josejwt.NumericDate { d := josejwt.NumericDate(n); return &d }
	return func() error {
		c := josejwt.Claims{Subject: claims.Sub, ID: claims.JTI, IssuedAt: date(claims.IAT), NotBefore: date(claims.NBF), Expiry: date(claims.EXP)}
		_, err := josejwt.Signed(s).Claims(c).Claims(others()).Serialize()
		return err
	}
}

func (f *fixture) mintCristalhq() func() error {
	b := cristalhq.NewBuilder(f.signer)
	date := func(n int64) *cristalhq.NumericDate { return cristalhq.NewNumericDate(time.Unix(n, 0)) }
	return func() error {
		_, err := b.Build(struct {
			private
			cristalhq.RegisteredClaims
		}{others(), cristalhq.RegisteredClaims{Subject: claims.Sub, ID: claims.JTI,
			IssuedAt: date(claims.IAT), NotBefore: date(claims.NBF), ExpiresAt: date(claims.EXP)}})
		return err
	}
}

func (f *fixture) mintPascaldekloe() error {
	date := func(n int64) *pascaldekloe.NumericTime { d := pascaldekloe.NumericTime(n); return &d }
	c := pascaldekloe.Claims{
		Registered: pascaldekloe.Registered{Subject: claims.Sub, ID: claims.JTI, Issued: date(claims.IAT), NotBefore: date(claims.NBF), Expires: date(claims.EXP)},
		Set:        map[string]any{"fresh": true, "type": claims.Type, "csrf": claims.CSRF},
	}
	_, err := f.sign(&c)
	return err
}
