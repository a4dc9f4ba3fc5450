package keys_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

// keyCase is an entry of index.json, see testdata/cases/README.md.
type keyCase struct {
	ID, File, Kind string
	Alg            keys.Algorithm
	Expect         struct {
		Algs  []keys.Algorithm
		Keys  []string
		OK    bool
		Error []string
	}
}

// TestCases runs the keys of providers and tools as they are. KEY_CASES names a
// folder with other cases.
func TestCases(t *testing.T) {
	dir := cmp.Or(os.Getenv("KEY_CASES"), "testdata/cases")
	var cases []keyCase
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, "index.json"))), &cases); err != nil || len(cases) == 0 {
		t.Fatalf("index.json: %d cases, %v", len(cases), err)
	}
	passed := 0
	for _, c := range cases {
		if t.Run(c.ID, func(t *testing.T) { c.run(t, must(os.ReadFile(filepath.Join(dir, c.File)))) }) {
			passed++
		}
	}
	fmt.Printf("cases: %d cases, %d passed, %d failed\n", len(cases), passed, len(cases)-passed)
}

func (c *keyCase) run(t *testing.T, text []byte) {
	found, err := c.load(text)
	if len(c.Expect.Keys) > 0 || c.Expect.OK {
		if err != nil || c.Expect.Keys != nil && !slices.Equal(found, c.Expect.Keys) {
			t.Errorf("keys = %v, %v, want %v", found, err, c.Expect.Keys)
		}
		return
	}
	if err == nil {
		t.Fatalf("accepted as %v, want an error with %q", found, c.Expect.Error)
	}
	for _, want := range c.Expect.Error {
		if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("error = %q, want one with %q", err, want)
		}
	}
	t.Log(err)
}

// load reads the text as the case says, and names the keys in it.
func (c *keyCase) load(text []byte) ([]string, error) {
	var one *keys.Key
	var err error
	switch c.Kind {
	case "set":
		s, err := keys.ParseSet(text, c.Expect.Algs...)
		if err != nil {
			return nil, err
		}
		return names(s.Keys()), nil
	case "pem":
		one, err = keys.FromPEM(c.Alg, text)
	case "hmac":
		one, err = keys.HMAC(cmp.Or(c.Alg, keys.HS256), text)
	case "jwk":
		one, err = keys.ParseJWK(c.Alg, text)
	default:
		err = fmt.Errorf("kind %q", c.Kind)
	}
	if err != nil {
		return nil, err
	}
	return names([]*keys.Key{one}), nil
}

// names returns the keys as ALG/kid.
func names(list []*keys.Key) []string {
	var names []string
	for _, k := range list {
		names = append(names, string(k.Algorithm())+"/"+k.ID())
	}
	return names
}
