package flask

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jwtgate/gate/keys"
)

// keyOptions are the options that the keys are made of.
type keyOptions struct {
	algorithm                          keys.Algorithm
	decode                             []keys.Algorithm
	secret, appSecret, private, public []byte
}

// algorithms are those that tokens are verified with: JWT_ALGORITHM is always one.
func (k *keyOptions) algorithms() []keys.Algorithm {
	if slices.Contains(k.decode, k.algorithm) {
		return k.decode
	}
	return append(slices.Clone(k.decode), k.algorithm)
}

// supported are PyJWT's algorithms but ES256K, ES521 (a name of its own) and none.
var supported = []keys.Algorithm{
	keys.HS256, keys.HS384, keys.HS512, keys.RS256, keys.RS384, keys.RS512, keys.PS256, keys.PS384, keys.PS512,
	keys.ES256, keys.ES384, keys.ES512, keys.EdDSA,
}

func symmetric(alg keys.Algorithm) bool { return strings.HasPrefix(string(alg), "HS") }

// errUnset has the original's words for key material that is not there.
func (k *keyOptions) errUnset(option string) error {
	if symmetric(k.algorithm) {
		return fmt.Errorf(`flask: JWT_SECRET_KEY or flask SECRET_KEY must be set when using symmetric algorithm "%s"`, k.algorithm)
	}
	return fmt.Errorf(`flask: %s must be set to use asymmetric cryptography algorithm "%s"`, option, k.algorithm)
}

// source is a keys.Source of the options: the same material under each of the
// algorithms, one key for each, so that no token chooses its algorithm.
type source struct {
	o      Options
	k      keyOptions
	sign   *keys.Key   // nil where EncodeKey is set or there is none
	verify []*keys.Key // empty where DecodeKey is set or there is none
}

// source makes the source of keys, and refuses one that can never work.
func (o Options) source(s *settings) (keys.Source, error) {
	if o.Keys != nil {
		return o.Keys, nil
	}
	c := &source{o: o, k: s.keys}
	for _, alg := range c.k.algorithms() {
		if !slices.Contains(supported, alg) {
			return nil, fmt.Errorf("flask: JWT_ALGORITHM or JWT_DECODE_ALGORITHMS has %q; it takes %v", alg, supported)
		}
	}
	if err := c.build(); err != nil {
		return nil, err
	}
	c.k = keyOptions{algorithm: c.k.algorithm, decode: c.k.decode} // a source that is printed shows no key
	canSign, canVerify := c.sign != nil || o.EncodeKey != nil, len(c.verify) > 0 || o.DecodeKey != nil
	switch {
	case symmetric(c.k.algorithm) && len(c.verify) == 1 && o.EncodeKey == nil:
		return c.verify[0], nil // one secret for one algorithm is a source, and the fastest
	case canSign || canVerify:
		return c, nil
	case symmetric(c.k.algorithm):
		return nil, c.k.errUnset("")
	}
	return nil, errors.Join(c.k.errUnset("JWT_PRIVATE_KEY"), c.k.errUnset("JWT_PUBLIC_KEY"))
}

// build makes the keys of the material that is there and that no callback replaces.
func (c *source) build() error {
	private, public, names := c.k.private, c.k.public, [2]string{"JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY"}
	if symmetric(c.k.algorithm) {
		private, names[0] = c.k.secret, "JWT_SECRET_KEY"
		if len(private) == 0 {
			private, names[0] = c.k.appSecret, "SECRET_KEY"
		}
		public, names[1] = private, names[0]
	}
	var err error
	if len(private) > 0 && c.o.EncodeKey == nil {
		if c.sign, err = c.o.key(c.k.algorithm, private); err != nil {
			return fmt.Errorf("flask: %s: %w", names[0], err)
		}
		if !c.sign.CanSign() {
			return fmt.Errorf("flask: %s is a public key", names[0])
		}
	}
	if len(public) == 0 || c.o.DecodeKey != nil {
		return nil
	}
	for _, alg := range c.k.algorithms() {
		k, err := c.o.key(alg, public)
		if err != nil {
			return fmt.Errorf("flask: %s, which JWT_ALGORITHM or JWT_DECODE_ALGORITHMS wants for %s: %w", names[1], alg, err)
		}
		c.verify = append(c.verify, k)
	}
	return nil
}

// key makes a key of a text.
func (o Options) key(alg keys.Algorithm, text []byte) (*keys.Key, error) {
	switch {
	case !symmetric(alg):
		return keys.FromPEM(alg, text)
	case o.InsecureShortSecrets:
		return keys.InsecureHMAC(alg, text)
	}
	k, err := keys.HMAC(alg, text)
	if err != nil {
		err = fmt.Errorf("%w (or set Options.InsecureShortSecrets until it is changed)", err)
	}
	return k, err
}

// SigningKey implements [keys.Source].
func (c *source) SigningKey(ctx context.Context, identity any) (*keys.Key, error) {
	switch {
	case c.o.EncodeKey != nil:
		text, err := c.o.EncodeKey(ctx, identity)
		if err != nil {
			return nil, fmt.Errorf("flask: EncodeKey: %w", err)
		}
		return c.o.key(c.k.algorithm, []byte(text))
	case c.sign == nil:
		return nil, c.k.errUnset("JWT_PRIVATE_KEY")
	}
	return c.sign, nil
}

// VerificationKeys implements [keys.Source].
func (c *source) VerificationKeys(ctx context.Context, u keys.Unverified) ([]*keys.Key, error) {
	switch {
	case c.o.DecodeKey != nil:
		return c.loaded(ctx, u)
	case len(c.verify) == 0:
		return nil, c.k.errUnset("JWT_PUBLIC_KEY")
	}
	return c.verify, nil
}

// loaded asks DecodeKey.
func (c *source) loaded(ctx context.Context, u keys.Unverified) ([]*keys.Key, error) {
	var header, claims map[string]any
	if u.Header(&header) != nil || u.Claims(&claims) != nil || claims == nil {
		return nil, nil // no claims to choose a key by
	}
	text, err := c.o.DecodeKey(ctx, header, withDefaults(claims))
	switch alg := keys.Algorithm(u.Algorithm()); {
	case err != nil:
		return nil, fmt.Errorf("flask: DecodeKey: %w", err)
	case !slices.Contains(c.k.algorithms(), alg):
		return []*keys.Key{nil}, nil // none for this algorithm
	case text == "":
		return nil, nil
	default:
		return c.fit(alg, []byte(text))
	}
}

// fit makes the key of a text for the token's algorithm. A token of an algorithm that
// the key is not for is the token's fault; a text that is no key for any is not.
func (c *source) fit(alg keys.Algorithm, text []byte) ([]*keys.Key, error) {
	k, err := c.o.key(alg, text)
	if err == nil {
		return []*keys.Key{k}, nil
	}
	for _, other := range c.k.algorithms() {
		if _, err := c.o.key(other, text); err == nil {
			return []*keys.Key{nil}, nil
		}
	}
	return nil, fmt.Errorf("flask: DecodeKey: %w", err)
}
