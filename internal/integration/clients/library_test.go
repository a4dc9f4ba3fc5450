//go:build unix

package clients_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
)

// library is a JWT library of another language, in a process that answers requests.
type library struct {
	name    string
	needs   []string // files of the installed library
	program []string // the interpreters, the first that is installed
	script  string
	knows   []keys.Algorithm // its algorithms, of all; a newer version may know more
	formats []string         // of keys, by which it verifies
	big     bool             // whether it keeps integers above 2^53

	version string
	in      *json.Encoder
	out     *bufio.Reader
}

// all are the algorithms of a gate, and one that it does not know.
var all = []keys.Algorithm{
	keys.HS256, keys.HS384, keys.HS512, keys.RS256, keys.RS384, keys.RS512, keys.PS256, keys.PS384, keys.PS512,
	keys.ES256, keys.ES384, keys.ES512, keys.EdDSA, keys.Ed25519, es256k,
}

const es256k keys.Algorithm = "ES256K"

func without(list []keys.Algorithm, drop ...keys.Algorithm) []keys.Algorithm {
	return slices.DeleteFunc(slices.Clone(list), func(a keys.Algorithm) bool { return slices.Contains(drop, a) })
}

func libraries() []*library {
	return []*library{
		{
			name: "jose", program: []string{"node"}, script: "node/jose.mjs",
			needs: []string{"node/node_modules/jose/package.json"},
			knows: without(all, es256k), formats: []string{"pem", "jwk", "jwks", "url"},
		},
		{
			name: "jsonwebtoken", program: []string{"node"}, script: "node/jsonwebtoken.mjs",
			needs: []string{"node/node_modules/jsonwebtoken/package.json"},
			knows: without(all, es256k, keys.EdDSA, keys.Ed25519), formats: []string{"pem", "jwk"},
		},
		{
			name: "PyJWT", program: []string{"/usr/bin/python3", "python3"}, script: "python/pyjwt.py",
			needs: []string{"/usr/lib/python3/dist-packages/jwt/__init__.py"},
			knows: without(all, keys.Ed25519), formats: []string{"pem", "jwk", "jwks", "url"}, big: true,
		},
		{
			name: "ruby-jwt", program: []string{"ruby"}, script: "ruby/ruby_jwt.rb",
			needs: []string{"/usr/share/rubygems-integration/all/gems/jwt-*"},
			knows: without(all, keys.Ed25519), formats: []string{"pem", "jwk", "jwks"}, big: true,
		},
	}
}

// request is one call of a function in the process.
type request struct {
	Op         string           `json:"op"`
	Algorithms []keys.Algorithm `json:"algorithms,omitempty"`
	Alg        keys.Algorithm   `json:"alg,omitempty"`
	KeyID      string           `json:"kid,omitempty"`
	Key        key              `json:"key"`
	Claims     string           `json:"claims,omitempty"`
	Token      string           `json:"token,omitempty"`
	Audience   string           `json:"audience,omitempty"`
	Issuer     string           `json:"issuer,omitempty"`
}

// key is a key as text: secret, pem, jwk, jwks (a set), or url (of a set).
type key struct {
	Format string `json:"format"`
	Text   string `json:"text"`
}

type answer struct {
	Version         string           `json:"version"`
	Algorithms      []keys.Algorithm `json:"algorithms"`
	Private, Public map[string]string
	Token           string `json:"token"`
	Claims          string `json:"claims"`
	Error           string `json:"error"`
}

// start starts the process, and asks what the library knows. The test is skipped if the
// library is not installed.
func (l *library) start(t *testing.T) {
	t.Helper()
	for _, file := range l.needs {
		servers.Need(t, file)
	}
	cmd := exec.Command(servers.Need(t, l.program...), l.script)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cmd, in) })
	l.in, l.out = json.NewEncoder(in), bufio.NewReader(out)
	about := l.ask(t, request{Op: "about", Algorithms: all})
	if about.Error != "" {
		t.Fatalf("%s: %s", l.name, about.Error)
	}
	if missing := without(l.knows, about.Algorithms...); len(missing) > 0 {
		t.Errorf("%s %s does not know %v", l.name, about.Version, missing)
	}
	l.version, l.knows = about.Version, about.Algorithms
}

// stop ends a process by the end of its input.
func stop(t *testing.T, cmd *exec.Cmd, in io.Closer) {
	_ = in.Close()
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v", cmd.Args, err)
	}
}

// ask calls a function in the process.
func (l *library) ask(t *testing.T, r request) answer {
	t.Helper()
	if err := l.in.Encode(r); err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	line, err := l.out.ReadBytes('\n')
	var a answer
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		t.Fatalf("%s answered %q: %v", l.name, line, err)
	}
	return a
}

// TestLibraries exchanges tokens with each library, all at once.
func TestLibraries(t *testing.T) {
	for _, l := range libraries() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.start(t)
			for name, test := range map[string]func(*testing.T, *library){
				"algorithms": testAlgorithms, "ES256K": testES256K, "claims": testClaims, "refusals": testRefusals,
			} {
				t.Run(name, func(t *testing.T) { test(t, l) })
			}
		})
	}
}

// summary has the lines that are printed after all tests.
var summary struct {
	sync.Mutex
	lines []string
}

func TestMain(m *testing.M) {
	code := m.Run()
	slices.Sort(summary.lines)
	fmt.Print(strings.Join(summary.lines, ""))
	os.Exit(code)
}

// repository returns the path of a file of the repository.
func repository(file string) string { return filepath.Join("../../..", file) }
