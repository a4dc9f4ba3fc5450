package flask_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// object is a JSON object.
type object = map[string]any

// testCase is one case of the files; testdata/conformance/FORMAT.md tells what the
// fields mean.
type testCase struct {
	Name            string
	Area            string
	Source          string
	Note            string
	Tags            []string
	Clock           float64
	Manager         string
	Host            string
	Jar             bool
	ImplicitRefresh *struct{ Within float64 } `json:"implicit_refresh"`
	Config          object
	Loaders         map[string]object
	Tokens          map[string]struct{ Value, Make any }
	Routes          []route
	Steps           []step
	Expect          []answer

	keys   map[string]map[string]string
	broken error // the runner cannot express it
}

type route struct {
	Path    string
	Methods []string
	Guard   *guard
	Returns returns
}

// guard holds the arguments of jwt_required.
type guard struct {
	Optional       bool
	Fresh          bool
	Refresh        bool
	Locations      any
	VerifyType     *bool `json:"verify_type"`
	SkipRevocation bool  `json:"skip_revocation_check"`
}

// returns is what a handler does: one name, and arguments that depend on it.
type returns struct {
	do   string
	args object
}

func (r *returns) UnmarshalJSON(text []byte) error {
	err := json.Unmarshal(text, &r.args)
	r.do, _ = r.args["do"].(string)
	return err
}

type step struct {
	Method, Path, Query, Scheme string
	Headers, Cookies            [][2]string
	At                          float64
	Capture                     map[string]string
	JSON                        *json.RawMessage
	Form, Multipart             [][2]string
	Body                        *string
	BodyHex                     *string `json:"body_hex"`
	ContentType                 *string `json:"content_type"`
}

// answer is what a case expects.
type answer struct {
	Status        int
	JSON          *any
	MessagePrefix *string `json:"message_prefix"`
	Text          *string
	Allow         []string
	Headers       map[string]string
	SetCookies    []object `json:"set_cookies"`
	Error         *struct{ Kind, Message, Match string }
	Calls         []string
}

func (a *answer) UnmarshalJSON(text []byte) error {
	type plain answer
	fields, err := strict(text, (*plain)(a))
	if _, ok := fields["json"]; ok && a.JSON == nil {
		a.JSON = new(any) // null is an answer too
	}
	return err
}

func (s *step) UnmarshalJSON(text []byte) error {
	type plain step
	fields, err := strict(text, (*plain)(s))
	if body, ok := fields["json"]; ok {
		s.JSON = &body
	}
	return err
}

// strict decodes an object whose members all have a place, and returns them too.
func strict(text []byte, into any) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return fields, d.Decode(into)
}

// loaderNames are the callbacks that the runner registers.
var loaderNames = []string{
	"additional_claims", "additional_headers", "decode_key", "encode_key", "expired_token", "invalid_token",
	"needs_fresh_token", "revoked_token", "token_in_blocklist", "token_verification", "token_verification_failed",
	"unauthorized", "user_identity", "user_lookup", "user_lookup_error",
}

// readCase reads a case. What the runner does not know makes it a broken one.
func readCase(text []byte) testCase {
	var c testCase
	fields, err := strict(text, &c)
	_ = json.Unmarshal(fields["name"], &c.Name)
	c.broken = err
	for name := range c.Loaders {
		if !slices.Contains(loaderNames, name) {
			c.broken = fmt.Errorf("unknown loader %q", name)
		}
	}
	return c
}

// readCases reads all case files of a folder.
func readCases(t *testing.T, dir string) []testCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files in %s (%v)", dir, err)
	}
	var all []testCase
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Keys  map[string]map[string]string
			Cases []json.RawMessage
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, text := range file.Cases {
			c := readCase(text)
			c.keys = file.Keys
			all = append(all, c)
		}
	}
	return all
}

// deviation says why a case is answered otherwise.
type deviation struct{ Reason, Kind string }

var deviationKinds = []string{"security", "standards", "quirk", "dynamic-types", "framework", "optional-algorithm"}

func readDeviations(t *testing.T) map[string]deviation {
	t.Helper()
	text, err := os.ReadFile("testdata/deviations.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]deviation
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, d := range all {
		if d.Reason == "" || !slices.Contains(deviationKinds, d.Kind) {
			t.Errorf("testdata/deviations.json: %s needs a reason, and one of the kinds %s", name, strings.Join(deviationKinds, ", "))
		}
	}
	return all
}

// maxUntagged bounds the deviations from cases that are no accident of Python.
const maxUntagged = 20

// tally counts the cases of one run.
type tally struct{ passed, deviations, failed, untagged int }

// TestConformance runs the recorded cases twice: through Gate.CheckRequest with a
// request that is not net/http's, and through net/http. CONFORMANCE_DIR names
// another folder of cases to run in place of the built-in ones.
func TestConformance(t *testing.T) {
	dir, builtIn := os.Getenv("CONFORMANCE_DIR"), false
	if dir == "" {
		dir, builtIn = filepath.Join("testdata", "conformance"), true
	}
	cases, known := readCases(t, dir), readDeviations(t)
	var summary strings.Builder
	for _, way := range []struct {
		name string
		send transport
	}{{" (own transport)", ownTransport}, {"", netTransport}} {
		var n tally
		for _, c := range cases {
			d, listed := known[c.Name]
			n.count(t, c, runCase(c, way.send), listed, d, builtIn)
		}
		if builtIn {
			for name := range known {
				if !slices.ContainsFunc(cases, func(c testCase) bool { return c.Name == name }) {
					t.Errorf("testdata/deviations.json names %s, which is no case", name)
					n.failed++
				}
			}
			if n.untagged > maxUntagged {
				t.Errorf("%d deviations from untagged cases; %d are allowed", n.untagged, maxUntagged)
			}
		}
		fmt.Fprintf(&summary, "conformance%s: %d cases, %d passed, %d deviations, %d failed\n", way.name, len(cases), n.passed, n.deviations, n.failed)
	}
	fmt.Print(summary.String())
}

// count judges the result of one case.
func (n *tally) count(t *testing.T, c testCase, err error, listed bool, d deviation, builtIn bool) {
	switch {
	case err == nil && listed && builtIn:
		t.Errorf("%s passes; take it out of testdata/deviations.json", c.Name)
		n.failed++
	case err == nil:
		n.passed++
	case listed || !builtIn && len(c.Tags) > 0:
		n.deviations++
		if len(c.Tags) == 0 {
			n.untagged++
		}
		t.Logf("deviation %s %v: %s", c.Name, c.Tags, d.Reason)
	default:
		n.failed++
		t.Errorf("%s %v: %v", c.Name, c.Tags, err)
	}
}
