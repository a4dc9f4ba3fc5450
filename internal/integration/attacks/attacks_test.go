package attacks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/integration/attacks"
)

// TestAttacks runs every entry of the corpus, or of the file that ATTACKS_FILE
// names, whose layer is one of a single gate: jws, claims, http and config. Cases
// of layer scenario need several nodes and real stores, and are run elsewhere.
func TestAttacks(t *testing.T) {
	c, err := attacks.Load(corpusFile())
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]func(*testing.T, *attacks.Corpus, *attacks.Entry){
		"jws": runToken, "claims": runToken, "http": runHTTP, "config": runConfig,
	}
	var total, passed, failed, scenarios int
	for i := range c.Entries {
		e := &c.Entries[i]
		if e.Layer == "scenario" {
			scenarios++
			continue
		}
		total++
		ok := t.Run(e.ID, func(t *testing.T) {
			f, known := run[e.Layer]
			if !known {
				t.Fatalf("layer %q is not known", e.Layer)
			}
			defer noPanic(t)
			f(t, c, e)
		})
		if ok {
			passed++
		} else {
			failed++
		}
	}
	if total == 0 {
		t.Error("the file has no entry for this runner")
	}
	summary = fmt.Sprintf("attacks: %d scenarios are not this runner's\n", scenarios) +
		fmt.Sprintf("attacks: %d entries, %d passed, %d failed\n", total, passed, failed)
}

// summary is what TestAttacks counted, for the end of the output.
var summary string

func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Print(summary)
	os.Exit(code)
}

// corpusFile takes a relative path from this folder or from the root of the module.
func corpusFile() string {
	path := os.Getenv("ATTACKS_FILE")
	if path == "" {
		return filepath.Join("testdata", "attacks.json")
	}
	if _, err := os.Stat(path); err != nil && !filepath.IsAbs(path) {
		return filepath.Join("..", "..", "..", path)
	}
	return path
}

func noPanic(t *testing.T) {
	if p := recover(); p != nil {
		t.Errorf("panic: %v", p)
	}
}

func expected(t *testing.T, e *attacks.Entry) attacks.Expected {
	t.Helper()
	var x attacks.Expected
	if err := attacks.Strict(e.Expected, &x); err != nil {
		t.Fatalf("expected: %v", err)
	}
	if x.Outcome != "accept" && x.Outcome != "reject" {
		t.Fatalf("outcome %q is not known", x.Outcome)
	}
	return x
}

// judge compares what came of a case with what had to. A refusal of another class
// is a remark, unless the order of the checks is what the case is about.
func judge(t *testing.T, e *attacks.Entry, x attacks.Expected, err error) {
	t.Helper()
	switch {
	case x.Outcome == "accept" && err != nil:
		t.Errorf("refused (%s: %v), want accepted: %s", classOf(err), err, e.Title)
	case x.Outcome == "reject" && err == nil:
		t.Errorf("accepted, want refused (%s): %s", x.ErrorClass, e.Title)
	case err == nil || classOf(err) == x.ErrorClass || x.ErrorClass == "":
	case aboutOrder(e, x):
		t.Errorf("refused as %s (%v), want %s: %s", classOf(err), err, x.ErrorClass, e.Title)
	default:
		t.Logf("warning: refused as %s (%v), corpus has %s", classOf(err), err, x.ErrorClass)
	}
}

// aboutOrder reports whether a case fixes which check comes first: the signature
// before the expiry, and a store that cannot answer before all that a client sees.
func aboutOrder(e *attacks.Entry, x attacks.Expected) bool {
	return x.ErrorClass == "revocation_unavailable" || e.ID == "signature/expired-and-forged"
}

// TestCorpusIsWhole finds a corpus that lost its controls, without which a gate
// that refuses everything would pass.
func TestCorpusIsWhole(t *testing.T) {
	c, err := attacks.Load(filepath.Join("testdata", "attacks.json"))
	if err != nil {
		t.Fatal(err)
	}
	accepts := map[string]int{}
	var ids []string
	for i := range c.Entries {
		e := &c.Entries[i]
		ids = append(ids, e.ID)
		var x struct{ Outcome string }
		if err := json.Unmarshal(e.Expected, &x); err == nil && x.Outcome == "accept" {
			accepts[e.Layer]++
		}
	}
	for _, layer := range []string{"jws", "claims", "http"} {
		if accepts[layer] == 0 {
			t.Errorf("layer %s has no control", layer)
		}
	}
	slices.Sort(ids)
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] || strings.TrimSpace(ids[i]) == "" {
			t.Errorf("two entries have the ID %q", ids[i])
		}
	}
}

// TestBuildRefusesTheUnknown: a case that asks for what the builder does not know
// must fail, or it would pass for the wrong reason.
func TestBuildRefusesTheUnknown(t *testing.T) {
	c, err := attacks.Load(filepath.Join("testdata", "attacks.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"magic"}}`,
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"none"},"extra":1}`,
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"sign","alg":"HS256","key":"hs-main","transform":"bend"}}`,
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"sign","alg":"XX256","key":"rs-main"}}`,
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"sign","alg":"HS256","key":"no-key"}}`,
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"none"},"edits":[{"segment":0,"op":"bend"}]}`,
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"none"},"edits":[{"segment":3,"op":"append"}]}`,
		`{"headerText":"{}","payloadText":"{}","signature":{"mode":"none"},"edits":[{"segment":"head","op":"append"}]}`,
		`{"raw":"${spin 3}"}`, `{"raw":"${token:nobody}"}`, `{"raw":"${repeat a 3}"}`, `{"raw":"${repeat \"a\" x}"}`, `{"raw":"${"}`,
	} {
		if got, err := c.Compact(json.RawMessage(text)); err == nil {
			t.Errorf("Compact(%s) = %q, want an error", text, got)
		}
	}
}
