package keys

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"
)

// maxKeys is how many keys a JWK Set may have.
const maxKeys = 100

// Skipped is a key of a JWK Set that [ParseSet] skipped.
type Skipped struct {
	Index int    // its place in the set, from 0
	ID    string // its "kid", which may be empty
	Err   error  // the reason
}

// ErrExposed is the reason for a secret, or the private members of a key, that
// [ParsePublicSet] found in a set that others can read. Who has read it can sign.
var ErrExposed = errors.New("keys: JWK Set shows a private key or secret to everybody; the issuer must replace it")

// ParseSet returns the keys in a JWK Set (RFC 7517 section 5) of at most 100 keys and
// 1 MiB. It verifies with all of them and signs with the first private key or secret,
// if there is one. Keys without "kid" get one as in [NewSet].
//
// A key without "alg" is used for each of algs that fits its type and curve:
// ParseSet(text, RS256, PS256) makes two keys of one RSA key. If none fits, the
// algorithm of its curve is used. algs have no effect on keys with "alg".
//
// As RFC 7517 requires, keys that [ParseJWK] would refuse are skipped: keys for
// another use, of an unknown type, weak or malformed. Two different keys with the same
// key ID and algorithm are skipped too. [Set.Skipped] lists them with the reason. It
// is an error if no key is left, and if a set has both secrets and public keys.
func ParseSet(text []byte, algs ...Algorithm) (*Set, error) {
	return parseSet(text, algs, false)
}

// ParsePublicSet is [ParseSet] for a set that another issuer has published: it only
// verifies. Secrets are skipped and private members are dropped, both unread and with
// [ErrExposed]; a key whose private members were dropped still verifies.
func ParsePublicSet(text []byte, algs ...Algorithm) (*Set, error) {
	return parseSet(text, algs, true)
}

func parseSet(text []byte, algs []Algorithm, public bool) (*Set, error) {
	for _, alg := range algs {
		if _, err := alg.scheme(); err != nil {
			return nil, err
		}
	}
	list, err := decodeSet(text)
	if err != nil {
		return nil, err
	}
	r := setReader{public: public, broken: make(map[name]bool)}
	for i, text := range list {
		r.add(i, text, algs)
	}
	return r.set()
}

// decodeSet returns the texts of the keys of a set.
func decodeSet(text []byte) ([]jsontext.Value, error) {
	if len(text) > maxText {
		return nil, errTooLong
	}
	var set struct {
		Keys keyTexts `json:"keys"`
	}
	err := json.Unmarshal(text, &set)
	switch {
	case errors.Is(err, errTooMany):
		return nil, errTooMany
	case err != nil || set.Keys == nil:
		return nil, notSet(text)
	}
	return set.Keys, nil
}

// keyTexts are the members of "keys". Decoding stops at the first one too many, before
// memory is spent on the rest.
type keyTexts []jsontext.Value

var errTooMany = fmt.Errorf("keys: JWK Set has more than %d keys", maxKeys)

func (k *keyTexts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if kind := dec.PeekKind(); kind != '[' {
		return errors.New("keys: not a list")
	}
	_, err := dec.ReadToken()
	for *k = (keyTexts{}); err == nil && dec.PeekKind() != ']'; {
		if len(*k) == maxKeys {
			return errTooMany
		}
		var text jsontext.Value
		if text, err = dec.ReadValue(); err == nil {
			*k = append(*k, text.Clone())
		}
	}
	if err == nil {
		_, err = dec.ReadToken()
	}
	return err
}

// lookalikes are texts that are taken for a JWK Set, by what they contain.
var lookalikes = []sign{
	{"-----BEGIN CERTIFICATE", "a map of X.509 certificates; most issuers have the same keys as a JWK Set under another URL (Firebase: https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com), else give each certificate to FromPEM and WithID"},
	{"-----BEGIN ", "PEM; use FromPEM"},
	{`"jwks_uri"`, `the metadata of an OpenID provider; the JWK Set is at its "jwks_uri"`},
	{`"kty"`, "a single JWK, or malformed; use ParseJWK for one key"},
	{"<html", "a page in HTML; the URL may be wrong, or ask for a login"},
	{"<!DOCTYPE", "a page in HTML; the URL may be wrong, or ask for a login"},
}

func notSet(text []byte) error {
	const want = `keys: text is not a JWK Set: an object with a list "keys", in strict JSON`
	for _, l := range lookalikes {
		if strings.Contains(string(text), l.mark) {
			return fmt.Errorf("%s; it looks like %s", want, l.advice)
		}
	}
	return errors.New(want)
}

// setReader gathers the keys of a set.
type setReader struct {
	public  bool // for ParsePublicSet
	found   []entry
	broken  map[name]bool // names of keys that are for signatures, and could not be read
	skipped []Skipped
}

// name is what tells the keys of a set apart.
type name struct {
	id  string
	alg Algorithm
}

// entry is a key of a set and its place.
type entry struct {
	index int
	key   *Key
}

// add reads one key, which makes several where several algorithms fit.
func (r *setReader) add(index int, text []byte, algs []Algorithm) {
	j, err := decodeJWK(text)
	if err != nil {
		r.skip(index, "", err)
		return
	}
	if err := j.purpose(); err != nil {
		r.skip(index, j.Kid, err)
		return
	}
	for _, alg := range j.choose(algs) {
		k, exposed, err := r.read(j, text, alg)
		if exposed {
			r.skip(index, j.Kid, ErrExposed)
		}
		if err != nil {
			r.skip(index, j.Kid, err)
			return
		}
		if k != nil {
			r.found = append(r.found, entry{index, k})
		}
	}
}

// read returns the key of a JWK. For ParsePublicSet that is its public half, or nil for
// a secret, and exposed reports whether there is more.
func (r *setReader) read(j *jwk, text []byte, alg Algorithm) (k *Key, exposed bool, err error) {
	if alg, err = j.algorithm(alg); err != nil {
		return nil, false, err
	}
	if r.public {
		k, exposed, err = j.publicKey(text, alg)
	} else {
		k, err = j.key(text, alg)
	}
	if err != nil {
		r.broken[name{j.Kid, alg}] = true
	}
	if err != nil || k == nil {
		return nil, exposed, err
	}
	k, err = withThumbprint(k)
	return k, exposed, err
}

// choose returns the algorithms of algs that the JWK takes, or "" for its own choice.
func (j *jwk) choose(algs []Algorithm) []Algorithm {
	var fit []Algorithm
	for _, alg := range algs {
		if j.Alg == nil && j.fits(schemes[alg]) && !slices.Contains(fit, alg) {
			fit = append(fit, alg)
		}
	}
	if fit == nil {
		return []Algorithm{""}
	}
	return fit
}

func (r *setReader) skip(index int, id string, err error) {
	r.skipped = append(r.skipped, Skipped{index, id, err})
}

// dropDoubles passes over the keys of which a token could mean another one: one that
// is there twice is kept once; of two different ones none is, nor is the one beside a
// key that could not be read.
func (r *setReader) dropDoubles() {
	named := make(map[name][]entry, len(r.found))
	for _, e := range r.found {
		n := name{e.key.id, e.key.alg}
		named[n] = append(named[n], e)
	}
	r.found = slices.DeleteFunc(r.found, func(e entry) bool {
		n := name{e.key.id, e.key.alg}
		all := named[n]
		if !r.broken[n] && e == all[0] && sameKeys(all) {
			return false
		}
		r.skip(e.index, e.key.id, fmt.Errorf("keys: another key of the JWK Set has the ID %.64q and the algorithm %s", e.key.id, e.key.alg))
		return true
	})
}

func sameKeys(all []entry) bool {
	first := all[0].key.Thumbprint()
	return len(all) == 1 || first != "" && !slices.ContainsFunc(all, func(e entry) bool { return e.key.Thumbprint() != first })
}

// set makes the set of what was gathered.
func (r *setReader) set() (*Set, error) {
	r.dropDoubles()
	slices.SortStableFunc(r.skipped, func(a, b Skipped) int { return a.Index - b.Index })
	if len(r.found) == 0 {
		return nil, r.empty()
	}
	var sign *Key
	var verify []*Key
	for _, e := range r.found {
		if sign == nil && e.key.CanSign() {
			sign = e.key
			continue
		}
		verify = append(verify, e.key)
	}
	s, err := NewSet(sign, verify...)
	if err == nil && s.mixed() {
		err = errors.New("keys: JWK Set holds secrets and public keys; keep them apart")
	}
	if err != nil {
		return nil, err
	}
	s.skipped = r.skipped
	return s, nil
}

// maxReasons is how many keys an error tells about.
const maxReasons = 5

// empty is the error for a set of which nothing is left.
func (r *setReader) empty() error {
	if len(r.skipped) == 0 {
		return errors.New("keys: JWK Set has no keys")
	}
	var text strings.Builder
	for i, s := range r.skipped {
		if i == maxReasons {
			fmt.Fprintf(&text, "; and %d more", len(r.skipped)-i)
			break
		}
		fmt.Fprintf(&text, "; key %d: %s", s.Index, strings.TrimPrefix(s.Err.Error(), "keys: "))
	}
	return errors.New("keys: JWK Set has no key that can be used here" + text.String())
}

// mixed reports whether the set has keys with and without a public half.
func (s *Set) mixed() bool {
	secret := func(k *Key) bool { return k.public == nil }
	public := func(k *Key) bool { return k.public != nil }
	return slices.ContainsFunc(s.keys, secret) && slices.ContainsFunc(s.keys, public)
}

// Skipped returns the keys that [ParseSet] skipped, in the order of the JWK Set. It is
// empty for a set made with [NewSet].
func (s *Set) Skipped() []Skipped { return slices.Clone(s.skipped) }
