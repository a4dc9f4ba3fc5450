package peers_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/jwtgate/gate/internal/integration/attacks"
	"github.com/jwtgate/gate/keys"
)

var summary string

func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Print(summary)
	os.Exit(code)
}

// seed is a token, and the algorithm whose key it is shown to.
type seed struct {
	alg keys.Algorithm
	raw string
}

// seeds are the tokens of the attack corpus and of Wycheproof.
func seeds(t testing.TB, c *attacks.Corpus) []seed {
	t.Helper()
	var list []seed
	for _, name := range slices.Sorted(maps.Keys(c.Tokens)) {
		raw, err := c.Compact(c.Tokens[name])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, seed{keys.HS256, raw})
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		var name string
		if e.Token == nil || json.Unmarshal(e.Config, &name) != nil {
			continue
		}
		raw, err := c.Compact(e.Token)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, seed{keys.Algorithm(c.Configs[name].Algorithm), raw})
	}
	return append(list, wycheproofSeeds(t)...)
}

func wycheproofSeeds(t testing.TB) []seed {
	t.Helper()
	text, err := fs.ReadFile(wycheproof.TestVectors, "json_web_signature_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		TestGroups []struct {
			Tests []struct{ JWS json.RawMessage }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var list []seed
	for _, g := range doc.TestGroups {
		for _, v := range g.Tests {
			var raw string
			if json.Unmarshal(v.JWS, &raw) != nil {
				raw = string(v.JWS)
			}
			list = append(list, seed{keys.HS256, raw}, seed{keys.RS256, raw})
		}
	}
	return list
}

// sign makes a token of any two texts, with a good signature.
func (v *verifier) sign(t testing.TB, header, payload string) string {
	t.Helper()
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	sig, err := v.key.Sign(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + sig
}

// TestPeers compares the verdicts on all seeds, on their texts signed anew, and on
// mutations of both that are the same in every run.
func TestPeers(t *testing.T) {
	c := corpus(t)
	all := verifiers(t, c)
	rng := rand.New(rand.NewPCG(7519, 7515))
	tokens, used := 0, map[string]int{}
	judge := func(v *verifier, raw string) {
		tokens++
		unexplained, names := v.compare(raw)
		for _, u := range unexplained {
			t.Errorf("%s %.600q\n\t%s", v.alg, raw, u)
		}
		for _, n := range names {
			used[n]++
		}
	}
	list := seeds(t, c)
	hs := all[keys.HS256]
	for _, s := range list {
		v := all[s.alg]
		judge(v, s.raw)
		for range 8 {
			judge(v, mutate(rng, s.raw))
		}
		f := learn(s.raw, v)
		if len(f.seg) != 3 || len(s.raw) > 20000 {
			continue
		}
		for i := range 12 {
			header, payload := string(f.header), string(f.payload)
			if i > 0 && i%2 == 0 {
				header = mutateJSON(rng, header)
			}
			if i > 0 && i%2 == 1 {
				payload = mutateJSON(rng, payload)
			}
			judge(hs, hs.sign(t, header, payload))
		}
	}
	for _, x := range directed() {
		judge(hs, hs.sign(t, x[0], x[1]))
	}
	for _, r := range rules {
		for _, peer := range r.Peers {
			if used[r.Name+" "+peer] == 0 {
				t.Errorf("rule %q explains nothing of %s; it can go", r.Name, peer)
			}
		}
	}
	explained := 0
	for _, n := range used {
		explained += n
	}
	summary = fmt.Sprintf("peers: %d tokens, %d disagreements explained by %d rules\n", tokens, explained, len(rules))
}

// directed are a good header and good claims in which each member in turn has each
// of the pieces for a value, and texts at the limits.
func directed() (list [][2]string) {
	const header, payload = `{"alg":"HS256","typ":"JWT"}`, `{"iss":"https://issuer.example","sub":"alice","aud":"api","exp":1700000890,"jti":"j"}`
	for _, name := range names {
		for _, piece := range pieces {
			member := fmt.Sprintf("{%q:%s", name, piece)
			list = append(list, [2]string{with(header, name, piece), payload}, [2]string{header, with(payload, name, piece)},
				[2]string{member + "," + header[1:], payload}, [2]string{header, member + "," + payload[1:]})
		}
	}
	for _, n := range []int{60, 62, 63, 64, 65, 100} {
		deep := strings.Repeat("[", n) + strings.Repeat("]", n)
		list = append(list, [2]string{header, with(payload, "deep", deep)}, [2]string{with(header, "deep", deep), payload})
	}
	for _, n := range []int{1000, 1018, 1019, 1020, 1100} {
		wide := "[" + strings.Repeat("1,", n-1) + "1]"
		list = append(list, [2]string{header, with(payload, "wide", wide)})
	}
	return list
}

// with sets a member of an object to a text that need not be JSON.
func with(object, name, piece string) string {
	var m map[string]json.RawMessage
	_ = json.Unmarshal([]byte(object), &m) // is JSON
	delete(m, name)
	parts := []string{fmt.Sprintf("%q:%s", name, piece)}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%q:%s", k, m[k]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// mutate changes the text of a token in one place.
func mutate(rng *rand.Rand, s string) string {
	if len(s) > 20000 || s == "" {
		return s
	}
	i := rng.IntN(len(s))
	const set = "\r\n =+/-_.A~\x00é"
	insert := string(set[rng.IntN(len(set))])
	switch rng.IntN(6) {
	case 0:
		return s[:i] + insert + s[i:]
	case 1:
		return s[:i] + s[i+1:]
	case 2:
		return s[:i] + string(s[i]^byte(1<<rng.IntN(7))) + s[i+1:]
	case 3:
		return s + insert
	case 4:
		return insert + s
	}
	seg := strings.Split(s, ".")
	rng.Shuffle(len(seg), func(a, b int) { seg[a], seg[b] = seg[b], seg[a] })
	return strings.Join(seg, ".")
}

// pieces are put in the place of values of JSON text.
var pieces = []string{
	`null`, `true`, `0`, `-1`, `1700000000`, `1700000000.5`, `1699999999.9999999`, `1.7e9`, `1e30`, `1e400`, `9007199254740993`, `-9007199254740993`, `"1700000890"`,
	`""`, `"alice"`, `"api"`, `["api"]`, `["api",1]`, `[]`, `[null]`, `{}`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `"é"`, `"\u0061lice"`,
	`"https://issuer.example"`, `"JWT"`, `"at+jwt"`, `"HS256"`, `"none"`, `["exp"]`, `["b64"]`, `" "`, `01`, `1.`, `'a'`, ``,
}

var names = []string{"exp", "nbf", "iat", "iss", "aud", "sub", "jti", "sid", "type", "fresh", "csrf", "alg", "kid", "typ", "crit", "b64", "zip", "cty", "jwk", "x5c", "nonce", "EXP", "Sub", "x"}

// mutateJSON adds or replaces a member, or changes a byte.
func mutateJSON(rng *rand.Rand, s string) string {
	name, piece := names[rng.IntN(len(names))], pieces[rng.IntN(len(pieces))]
	member := fmt.Sprintf("%q:%s", name, piece)
	switch rng.IntN(4) {
	case 0:
		if i := strings.IndexByte(s, '{'); i >= 0 && strings.Contains(s, ":") {
			return s[:i+1] + member + "," + s[i+1:]
		}
	case 1, 2:
		if json.Valid([]byte(s)) && strings.HasPrefix(s, "{") {
			return with(s, name, piece)
		}
	}
	return mutate(rng, s)
}

// FuzzPeers looks for a disagreement that no rule explains. With signed set the
// texts are signed; else they are the whole token.
func FuzzPeers(f *testing.F) {
	c := corpus(f)
	all := verifiers(f, c)
	algs := []keys.Algorithm{keys.HS256, keys.ES256, keys.EdDSA, keys.RS256, keys.PS256}
	for _, s := range seeds(f, c) {
		x := learn(s.raw, all[s.alg])
		if len(s.raw) > 20000 {
			continue
		}
		f.Add(uint8(0), false, s.raw, "")
		f.Add(uint8(0), true, string(x.header), string(x.payload))
	}
	f.Fuzz(func(t *testing.T, alg uint8, signed bool, header, payload string) {
		v := all[algs[int(alg)%len(algs)]]
		raw := header + payload
		if signed {
			raw = v.sign(t, header, payload)
		}
		if unexplained, _ := v.compare(raw); len(unexplained) > 0 {
			t.Errorf("%s %q\n\t%s", v.alg, raw, strings.Join(unexplained, "\n\t"))
		}
	})
}
