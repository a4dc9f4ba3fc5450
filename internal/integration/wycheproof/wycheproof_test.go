// Package wycheproof_test runs the public Wycheproof vectors against the token engine. It
// tests whole compact JWS and JWK Sets, and also each primitive of JWS without the rules
// for keys.
package wycheproof_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"testing"

	"github.com/c2sp/wycheproof"
)

// file is one file of vectors.
type file struct {
	name   string
	Groups []json.RawMessage `json:"testGroups"`
	N      int               `json:"numberOfTests"`
}

func open(t *testing.T, name string) *file {
	t.Helper()
	f := &file{name: name}
	vectors := wycheproof.TestVectors
	text, err := fs.ReadFile(vectors, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, f); err != nil {
		t.Fatal(err)
	}
	return f
}

// rule is a correction of labels, for a strict verifier of compact JWS whose
// algorithm comes from its key.
type rule struct{ Expect, Why string }

// overlay holds the corrections by file and by the number of the vector, "*" or a
// property of its group.
var overlay = map[string]map[string]rule{}

// lines and counts are what is printed at the end.
var lines []string

func TestMain(m *testing.M) {
	text, err := os.ReadFile("testdata/overlay.json")
	if err == nil {
		doc := struct{ Files *map[string]map[string]rule }{&overlay}
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	for _, l := range lines {
		fmt.Println(l)
	}
	os.Exit(code)
}

// label is what a vector has to come to: the correction, or its own label. A label
// "acceptable" is for input that is refused where one is strict.
func label(name string, id int, own string, properties ...string) (valid bool, corrected string) {
	rules := overlay[name]
	for _, key := range append([]string{strconv.Itoa(id)}, append(properties, "*")...) {
		if r, ok := rules[key]; ok {
			return r.Expect == "valid", r.Expect
		}
	}
	return own == "valid", ""
}

// tally counts the vectors of one file.
type tally struct {
	t         *testing.T
	name      string
	passed, n int
}

func (c *tally) vector(id int, comment string, got, want bool) {
	c.n++
	if got == want {
		c.passed++
		return
	}
	c.t.Errorf("%s %d (%s): accepted = %v, want %v", c.name, id, comment, got, want)
}

// report prints the count, and finds vectors that were left out.
func (c *tally) report(f *file) int {
	if c.n != f.N {
		c.t.Errorf("%s: %d vectors were run of %d", c.name, c.n, f.N)
	}
	lines = append(lines, fmt.Sprintf("wycheproof %s: %d/%d", c.name, c.passed, f.N))
	return c.n
}

// TestOverlay finds a correction that applies to no vector, as after an update of
// the vectors.
func TestOverlay(t *testing.T) {
	for name, rules := range overlay {
		known := map[string]bool{"*": true}
		for _, text := range open(t, name).Groups {
			var g struct {
				KeySize, TagSize int
				Tests            []struct{ TcID int }
			}
			if err := json.Unmarshal(text, &g); err != nil {
				t.Fatal(err)
			}
			for _, v := range g.Tests {
				known[strconv.Itoa(v.TcID)] = true
			}
			for _, p := range hmacProperties(hashOf[name], g.KeySize, g.TagSize) {
				known[p] = true
			}
		}
		for key := range rules {
			if !known[key] {
				t.Errorf("overlay of %s: %q is no vector of it", name, key)
			}
		}
	}
}
