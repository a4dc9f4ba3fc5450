package peers_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jwtgate/gate/keys"
)

// facts are what is plain to see of a token, found without the gate.
type facts struct {
	raw             string
	now             float64
	seg             []string
	header, payload []byte
	h, p            map[string]any // nil when encoding/json does not take them
	salt            bool           // a PSS signature that holds, with a salt of the wrong length
}

// learn decodes as loosely as it can.
func learn(raw string, v *verifier) *facts {
	f := &facts{raw: raw, now: float64(v.now.Unix()), seg: strings.Split(raw, ".")}
	if len(f.seg) == 3 {
		f.header, f.payload = loose(f.seg[0]), loose(f.seg[1])
		_ = json.Unmarshal(f.header, &f.h)
		_ = json.Unmarshal(f.payload, &f.p)
		f.salt = wrongSalt(f.seg, v)
	}
	return f
}

func wrongSalt(seg []string, v *verifier) bool {
	pub, ok := v.public.(*rsa.PublicKey)
	if !ok || v.alg != keys.PS256 {
		return false
	}
	sum, sig := sha256.Sum256([]byte(seg[0]+"."+seg[1])), loose(seg[2])
	verifies := func(salt int) bool {
		return rsa.VerifyPSS(pub, crypto.SHA256, sum[:], sig, &rsa.PSSOptions{SaltLength: salt}) == nil
	}
	return verifies(rsa.PSSSaltLengthAuto) && !verifies(rsa.PSSSaltLengthEqualsHash)
}

func loose(seg string) []byte {
	seg = strings.NewReplacer("\r", "", "\n", "", " ", "", "\t", "", "\f", "", "\v", "").Replace(seg)
	b, _ := base64.RawURLEncoding.DecodeString(seg)
	return b
}

// A rule explains why the gate and another library differ over a token.
type rule struct {
	Name   string   `json:"rule"`
	Peers  []string `json:"peers"`
	Gate   string   `json:"gate"` // what the gate does: "refuses" or "accepts"
	Reason string   `json:"reason"`
}

// applies holds the predicate of each rule in testdata/disagreements.json.
var applies = map[string]func(*facts) bool{
	"pss-salt":         func(f *facts) bool { return f.salt },
	"line-end":         func(f *facts) bool { return strings.ContainsAny(f.raw, "\r\n") },
	"unused-bits":      (*facts).unusedBits,
	"size":             func(f *facts) bool { return len(f.raw) > 8192 },
	"depth-or-members": func(f *facts) bool { return tooMuch(f.header) || tooMuch(f.payload) },
	"duplicate-name": func(f *facts) bool {
		return refusedWithout(jsontext.AllowDuplicateNames, f.header) || refusedWithout(jsontext.AllowDuplicateNames, f.payload)
	},
	"not-utf8": func(f *facts) bool {
		return refusedWithout(jsontext.AllowInvalidUTF8, f.header) || refusedWithout(jsontext.AllowInvalidUTF8, f.payload)
	},
	"crit":           func(f *facts) bool { return has(f.h, "crit") },
	"b64":            func(f *facts) bool { return has(f.h, "b64") },
	"zip":            func(f *facts) bool { return has(f.h, "zip") },
	"cty":            func(f *facts) bool { return has(f.h, "cty") },
	"typ":            (*facts).otherType,
	"kid-type":       func(f *facts) bool { return has(f.h, "kid") && !isString(f.h["kid"]) },
	"exp-at-now":     func(f *facts) bool { n, ok := f.p["exp"].(float64); return ok && math.Trunc(n) == f.now },
	"exp-far":        func(f *facts) bool { n, ok := f.p["exp"].(float64); return ok && n > f.now+10*365*24*3600 },
	"date-range":     (*facts).hugeDate,
	"date-null":      func(f *facts) bool { return isNull(f.p, "exp") || isNull(f.p, "nbf") || isNull(f.p, "iat") },
	"string-null":    func(f *facts) bool { return isNull(f.p, "iss") || isNull(f.p, "sub") || isNull(f.p, "jti") },
	"sub-missing":    func(f *facts) bool { return !has(f.p, "sub") },
	"empty":          func(f *facts) bool { return f.p["sub"] == "" || f.p["jti"] == "" },
	"sub-type":       func(f *facts) bool { return has(f.p, "sub") && !isString(f.p["sub"]) },
	"jti-type":       func(f *facts) bool { return has(f.p, "jti") && !isString(f.p["jti"]) },
	"sid-type":       func(f *facts) bool { return has(f.p, "sid") && !isString(f.p["sid"]) },
	"number-range":   func(f *facts) bool { return outOfRange(f.header) || outOfRange(f.payload) },
	"header-members": func(f *facts) bool { return has(f.h, "jwk") || has(f.h, "x5c") || has(f.h, "nonce") },
}

func has(m map[string]any, name string) bool { _, ok := m[name]; return ok }

func isString(v any) bool { _, ok := v.(string); return ok }

func isNull(m map[string]any, name string) bool { v, ok := m[name]; return ok && v == nil }

func (f *facts) unusedBits() bool {
	return slices.ContainsFunc(f.seg, func(s string) bool {
		_, loose := base64.RawURLEncoding.DecodeString(s)
		_, strict := base64.RawURLEncoding.Strict().DecodeString(s)
		return loose == nil && strict != nil
	})
}

func (f *facts) otherType() bool {
	if !has(f.h, "typ") {
		return false
	}
	s, ok := f.h["typ"].(string)
	s = strings.TrimPrefix(strings.ToLower(s), "application/")
	return !ok || s != "jwt" && s != "at+jwt" && s != ""
}

// hugeDate: a date beyond the integers that a float64 holds exactly.
func (f *facts) hugeDate() bool {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if n, ok := f.p[name].(float64); ok && math.Abs(n) >= 1<<53 {
			return true
		}
	}
	return false
}

// refusedWithout reports whether text is JSON only with the option.
func refusedWithout(option func(bool) jsontext.Options, text []byte) bool {
	all := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	return jsontext.Value(text).IsValid(all...) && !jsontext.Value(text).IsValid(append(all, option(false))...)
}

// tooMuch counts levels, and members and elements, of JSON text.
func tooMuch(text []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	members := 0
	for {
		if _, err := d.ReadToken(); err != nil {
			return members > 1024
		}
		members++ // names and values alike: 1024 members are more tokens
		if d.StackDepth() > 64 {
			return true
		}
	}
}

var exponent = regexp.MustCompile(`[0-9][eE]\+?[0-9]{3}|[0-9]{300}`)

// outOfRange: a number that no float64 holds.
func outOfRange(text []byte) bool { return exponent.Match(text) }

var rules = loadRules()

func loadRules() []rule {
	text, err := os.ReadFile("testdata/disagreements.json")
	if err != nil {
		panic(err)
	}
	var list []rule
	if err := json.Unmarshal(text, &list); err != nil {
		panic(err)
	}
	return list
}

// explain returns the first rule that says why a peer and the gate differ.
func explain(peer string, gateAccepts bool, f *facts) string {
	for _, r := range rules {
		if slices.Contains(r.Peers, peer) && (r.Gate == "accepts") == gateAccepts && applies[r.Name](f) {
			return r.Name
		}
	}
	return ""
}

// TestRules: the written list and the predicates are the same set.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules {
		if applies[r.Name] == nil {
			t.Errorf("rule %q has no predicate", r.Name)
		}
		if r.Reason == "" || len(r.Peers) == 0 || r.Gate != "accepts" && r.Gate != "refuses" {
			t.Errorf("rule %q is incomplete", r.Name)
		}
		seen[r.Name] = true
	}
	for name := range applies {
		if !seen[name] {
			t.Errorf("predicate %q is in no rule", name)
		}
	}
}
