package oidc

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/json/jsontext"
	"github.com/jwtgate/gate/internal/scan"
)

// A Profile says how to recognize the access tokens of a provider. All its other tokens,
// such as ID tokens and refresh tokens, are refused ("issuer_check"). This package has a
// function for each of many providers; docs/providers.md compares them. You can write a
// Profile for another provider.
//
// The zero value is for an issuer that is a gate. Then set [gate.Issuer].IsGate too.
type Profile struct {
	// HeaderTypes and Lenient are as in [gate.Issuer].
	HeaderTypes []string
	Lenient     gate.Lenient
	// AudienceClaim is the claim to compare with the audiences, for a provider that does not
	// write "aud". Default: "aud".
	AudienceClaim string
	// Claims lists the claims that a token must have. If values are listed, the claim must be
	// one of these strings; "true" is also the JSON value true. With nil it may have any value
	// except null and an empty one.
	Claims map[string][]string
	// Absent lists claims that only other kinds of tokens have. A token with one of them is
	// refused. So is one with "cnf", which is valid only together with a proof (RFC 9449, RFC
	// 8705), unless Claims has "cnf". Then check the proof yourself.
	Absent []string
	// Narrow is for providers that give everybody tokens for any audience. One of the claims
	// in this list must be limited with [Profile.Only].
	Narrow []string
}

// Only returns a copy of the profile that accepts only these values of a claim. Use it to
// accept only some clients of a provider, tenants of Entra, or repositories of GitHub.
// With "email", "email_verified" must be true: at many providers a user can write any
// address. Only without values, or with an empty one, makes [Profile.Issuer] and [Discover]
// return an error, since it would accept everybody.
func (p Profile) Only(claim string, values ...string) Profile {
	p.Claims = maps.Clone(p.Claims)
	if p.Claims == nil {
		p.Claims = make(map[string][]string)
	}
	p.Claims[claim] = append([]string{}, values...) // never nil, which means any value
	if claim == "email" {
		p.Claims["email_verified"] = []string{"true"}
	}
	return p
}

// Issuer returns i with the rules of the profile. Name, Keys and Audiences of i must be
// set. [Discover] calls Issuer; call it yourself if you configure the URL of the keys. A
// profile with Narrow is an error unless one of these claims is limited, and so is a limit
// without values.
func (p Profile) Issuer(i gate.Issuer) (gate.Issuer, error) {
	limited := func(claim string) bool { return len(p.Claims[claim]) > 0 }
	if len(p.Narrow) > 0 && !slices.ContainsFunc(p.Narrow, limited) {
		return i, fmt.Errorf("everybody can get a token of this provider for any audience; limit one of the claims %s by Profile.Only", strings.Join(p.Narrow, ", "))
	}
	for _, claim := range slices.Sorted(maps.Keys(p.Claims)) {
		if values := p.Claims[claim]; values != nil && (len(values) == 0 || slices.Contains(values, "")) {
			return i, fmt.Errorf("the claim %s is limited to no value or an empty one; give Profile.Only the values, such as client IDs", claim)
		}
	}
	i.HeaderTypes, i.Lenient = p.HeaderTypes, p.Lenient
	if p.AudienceClaim != "" {
		if len(i.Audiences) == 0 {
			return i, fmt.Errorf("no Audiences: the claim %s must be one of them", p.AudienceClaim)
		}
		p = p.Only(p.AudienceClaim, i.Audiences...)
		i.Audiences, i.Lenient.AnyOrigin = nil, true
	}
	if len(p.Claims) > 0 || len(p.Absent) > 0 {
		rules := newRules(&p)
		i.Check = rules.check
	}
	return i, nil
}

// rules are the claims of a profile in the form that tokens are checked with.
type rules struct {
	claims map[string]rule
	needed int // how many of them are required
}

// proof is the claim of tokens that are valid only together with a proof of possession.
const proof = "cnf"

type rule struct {
	absent bool
	values []string // empty means any value
}

func newRules(p *Profile) *rules {
	r := &rules{claims: make(map[string]rule, len(p.Claims)+len(p.Absent)), needed: len(p.Claims)}
	for name, values := range p.Claims {
		r.claims[name] = rule{values: slices.Clone(values)}
	}
	for _, name := range p.Absent {
		r.claims[name] = rule{absent: true}
	}
	if _, checked := p.Claims[proof]; !checked {
		r.claims[proof] = rule{absent: true}
	}
	return r
}

// check refuses a token that is no access token. It runs on each request: the claims are
// read without a map.
func (r *rules) check(t *gate.Token) error {
	var text jsontext.Value
	if err := t.Claims(&text); err != nil {
		return err
	}
	return r.refusal(text)
}

// refusal returns why claims are not those of an access token, or nil.
func (r *rules) refusal(text []byte) error {
	found := 0
	s := scan.New(text, len(text), len(text))
	s.Open('{')
	for first := true; s.More(first, '}'); first = false {
		name := s.Name()
		claim, ours := r.claims[name]
		if !ours {
			s.Skip()
			continue
		}
		if err := claim.check(name, s.Value()); err != nil {
			return err
		}
		found++
	}
	if found < r.needed {
		return errors.New("a claim that access tokens of this issuer have is missing: " + strings.Join(r.missing(text), ", "))
	}
	return nil
}

func (r *rule) check(name string, v scan.Value) error {
	switch {
	case r.absent && name == proof:
		return errors.New("the token is valid only together with a proof, which is not checked here (claim cnf)")
	case r.absent:
		return fmt.Errorf("the claim %s is that of another kind of token", name)
	case v.Kind == 'n' || v.Kind == '"' && v.Str == "":
		return fmt.Errorf("the claim %s is empty", name)
	case len(r.values) > 0 && (v.Kind != '"' && v.Kind != 't' || !slices.Contains(r.values, v.Str)):
		return fmt.Errorf("the claim %s is not %s", name, strings.Join(r.values, " or "))
	}
	return nil
}

// missing lists the required claims that text does not have.
func (r *rules) missing(text []byte) []string {
	missing := make(map[string]bool)
	for name, c := range r.claims {
		if !c.absent {
			missing[name] = true
		}
	}
	s := scan.New(text, len(text), len(text))
	s.Open('{')
	for first := true; s.More(first, '}'); first = false {
		delete(missing, s.Name())
		s.Skip()
	}
	return slices.Sorted(maps.Keys(missing))
}
