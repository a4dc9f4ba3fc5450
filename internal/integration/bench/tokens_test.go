package bench_test

import (
	"context"
	"crypto"
	"errors"
	"strings"
	"testing"
	"time"

	cristalhq "github.com/cristalhq/jwt/v5"
	jose "github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golang "github.com/golang-jwt/jwt/v5"
	kataras "github.com/kataras/jwt"
	jwx "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/bench/floor"
)

func signerOf(key any) crypto.Signer { return key.(crypto.Signer) }

func addAll(t *testing.T) {
	list := fixtures(t)
	for _, f := range list {
		for _, v := range f.verifiers(f.tok) {
			add("verify", f.alg, v.who, v.run)
		}
	}
	for _, f := range list {
		f.addMint()
	}
	for _, f := range list {
		for _, v := range f.verifiers(f.forged) {
			add("forged", f.alg, v.who, refused(v.run))
		}
	}
	addTooLarge(list[0])
	for _, f := range list[1:] {
		f.addCache()
	}
	addSources(t)
	addRemote(t)
	list[0].addBreaker(t)
	addMiddleware(t, list[0])
}

// refused turns a run that must fail into one that must not.
func refused(run func() error) func() error {
	return func() error {
		if err := run(); err == nil || errors.Is(err, errSubject) {
			return errAccepted
		}
		return nil
	}
}

// verifier verifies one token, decodes its claims and checks its times.
type verifier struct {
	who string
	run func() error
}

func (f *fixture) checkFloor(tok string) func() error {
	return func() error {
		var c floor.Claims
		err := f.verify(tok, &c, time.Now().Unix())
		return same(c.Sub, err)
	}
}

func checkGate(g *gate.Gate, tok string) func() error {
	return func() error {
		t, err := g.CheckToken(context.Background(), tok, gate.Policy{})
		if err != nil {
			return err
		}
		return same(t.Subject, nil)
	}
}

// verifiers are all that verify tok, the floor first.
func (f *fixture) verifiers(tok string) []verifier {
	text := []byte(tok)
	return []verifier{
		{"floor", f.checkFloor(tok)},
		{"gate", checkGate(f.gate, tok)},
		{"golang-jwt-map", f.golangMap(tok)},
		{"golang-jwt-struct", f.golangStruct(tok)},
		{"jwx", func() error {
			t, err := jwx.Parse(text, jwx.WithKey(f.jwx, f.public))
			if err != nil {
				return err
			}
			s, _ := t.Subject()
			return same(s, nil)
		}},
		{"go-jose", f.goJose(tok)},
		{"kataras", func() error {
			t, err := kataras.Verify(f.kataras, f.public, text)
			if err != nil {
				return err
			}
			var p private
			err = t.Claims(&p)
			return same(t.StandardClaims.Subject, err)
		}},
		{"cristalhq", func() error {
			var c struct {
				private
				cristalhq.RegisteredClaims
			}
			if err := cristalhq.ParseClaims(text, f.verifier, &c); err != nil {
				return err
			}
			if !c.IsValidAt(time.Now()) {
				return errExpired
			}
			return same(c.Subject, nil)
		}},
		{"pascaldekloe", func() error {
			c, err := f.check(text)
			if err != nil {
				return err
			}
			if !c.Valid(time.Now()) {
				return errExpired
			}
			return same(c.Subject, nil)
		}},
	}
}

func (f *fixture) golangMap(tok string) func() error {
	p := golang.NewParser(golang.WithValidMethods([]string{f.name}))
	key := func(*golang.Token) (any, error) { return f.public, nil }
	return func() error {
		t, err := p.Parse(tok, key)
		if err != nil {
			return err
		}
		return same(t.Claims.GetSubject())
	}
}

type golangClaims struct {
	private
	golang.RegisteredClaims
}

func (f *fixture) golangStruct(tok string) func() error {
	p := golang.NewParser(golang.WithValidMethods([]string{f.name}))
	key := func(*golang.Token) (any, error) { return f.public, nil }
	return func() error {
		var c golangClaims
		_, err := p.ParseWithClaims(tok, &c, key)
		return same(c.Subject, err)
	}
}

func (f *fixture) goJose(tok string) func() error {
	algs := []jose.SignatureAlgorithm{f.jose}
	return func() error {
		t, err := josejwt.ParseSigned(tok, algs)
		if err != nil {
			return err
		}
		var c josejwt.Claims
		var p private
		if err := t.Claims(f.public, &c, &p); err != nil {
			return err
		}
		return same(c.Subject, c.Validate(josejwt.Expected{Time: time.Now()}))
	}
}

// addTooLarge adds tokens over the limit. The floor beside them checks a token of
// usual size: a big one should cost less than a good one.
func addTooLarge(f *fixture) {
	add("toolarge", f.alg, "floor", f.checkFloor(f.tok))
	for who, tok := range map[string]string{"gate-10-MiB": strings.Repeat("A", 10<<20), "gate-million-dots": strings.Repeat(".", 1_000_000)} {
		add("toolarge", f.alg, who, refused(checkGate(f.gate, tok))).bytes = true
	}
}

// addCache adds a token that was verified before; the floor verifies it again.
func (f *fixture) addCache() {
	add("cache", f.alg, "floor", f.checkFloor(f.tok))
	add("cache", f.alg, "gate-hit", checkGate(f.cached, f.tok))
}
