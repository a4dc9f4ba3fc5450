// Package proofs_test has attacks that once succeeded, each as one row. An attack counts
// what it gains. It must gain nothing from the library, and something from a version with
// the fault planted. `go test -v` prints a line for each attack.
package proofs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// A proof is one attack.
type proof struct {
	name   string // what the attacker gains
	attack func(a *attack)
}

// An attack is one run of a proof.
type attack struct {
	testing.TB
	planted bool // the fault is there
	gains   []string
}

// gain counts what the attacker has gained.
func (a *attack) gain(format string, args ...any) {
	a.gains = append(a.gains, fmt.Sprintf(format, args...))
}

// rounds is how often an attack is tried; make faults tries it more often.
func (a *attack) rounds(n int) int {
	if os.Getenv("FAULTS") == "long" {
		return 50 * n
	}
	return n
}

// deadline bounds each run.
func deadline() time.Duration {
	if os.Getenv("FAULTS") == "long" {
		return 10 * time.Minute
	}
	return 20 * time.Second
}

// run tries each proof, without and with its planted fault, and looks for its row in
// docs/security.md.
func run(t *testing.T, list []proof) {
	page := string(must(os.ReadFile("../../../docs/security.md")))
	for _, p := range list {
		t.Run(p.name, func(t *testing.T) {
			if !strings.Contains(page, "\n| "+p.name+" |") {
				t.Errorf("docs/security.md has no row %q", p.name)
			}
			clean, planted := &attack{TB: t}, &attack{TB: t, planted: true}
			for _, a := range []*attack{clean, planted} {
				begin := time.Now()
				p.attack(a)
				if took := time.Since(begin); took > deadline() {
					t.Errorf("took %v; at most %v", took, deadline())
				}
			}
			if len(clean.gains) > 0 {
				t.Errorf("%d gained: %.500q", len(clean.gains), clean.gains)
			}
			if len(planted.gains) == 0 {
				t.Error("the planted fault is not caught")
			}
			t.Logf("%s: %d gained; with the planted fault %d", p.name, len(clean.gains), len(planted.gains))
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// cookie is the name of the cookie with the access token.
const cookie = "access_token_cookie"

var fromCookies = []gate.Location{gate.FromCookies()}

// newGate returns a gate, with a key of its own unless cfg has one.
func newGate(cfg gate.Config) *gate.Gate {
	if cfg.Keys == nil {
		cfg.Keys = must(keys.Generate(keys.HS256))
	}
	return must(gate.New(cfg))
}

func access(g *gate.Gate, identity any, o gate.TokenOptions) string {
	return must(g.CreateAccessToken(context.Background(), identity, o))
}

func check(g *gate.Gate, raw string) (*gate.Token, error) {
	return g.CheckToken(context.Background(), raw, gate.Policy{})
}

// visit sends a GET with a cookie, and returns the answer and the cookie in it.
func visit(h http.Handler, raw string) (*httptest.ResponseRecorder, string) {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: cookie, Value: raw})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == cookie {
			return w, c.Value
		}
	}
	return w, ""
}

// page is a handler that does nothing, behind a guard.
func page(g *gate.Gate) http.Handler {
	return g.Require(gate.Policy{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// naive renews whatever passed the guard, as a first version would: next creates the
// new token from the old one.
func naive(g *gate.Gate, next func(t *gate.Token) (string, error)) http.Handler {
	return g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		raw, err := next(t)
		if err != nil {
			gate.StatusCode(err)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: raw})
	}))
}

// parse returns the number in an identity, rounded as a float64 is.
func parse(identity any) (float64, error) {
	return strconv.ParseFloat(fmt.Sprint(identity), 64)
}
