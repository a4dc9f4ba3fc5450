package gate_test

import (
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
)

// TestReportsSubjectKey: one text of an identity for those who revoke by it.
func TestReportsSubjectKey(t *testing.T) {
	for _, tt := range []struct {
		name, before, claim string
		edits               []string
		want                string // or "" for an error
	}{
		{"sub", "as now", "sub", []string{"sub", `"alice"`}, "alice"},
		{"another claim", "RevokeSubject did nothing, and said nothing", "uid", []string{"uid", `"alice"`, "sub", ""}, "alice"},
		{"another claim beside sub", "RevokeSubject wanted the other one", "uid", []string{"uid", `"bob"`}, "bob"},
		{"number", "RevokeSubject did nothing, and said nothing", "sub", []string{"sub", `42`}, "42"},
		{"large number", "two users were one: 9007199254740993 became ...992", "sub", []string{"sub", `9007199254740993`}, "9007199254740993"},
		{"larger than any Go integer", "as before", "sub", []string{"sub", `123456789012345678901234567890`}, "123456789012345678901234567890"},
		{"negative", "as before", "sub", []string{"sub", `-7`}, "-7"},
		{"fraction", "RevokeSubject did nothing, and said nothing", "sub", []string{"sub", `1.5`}, ""},
		{"exponent", "1e3 and 1000 were two users", "sub", []string{"sub", `1e3`}, ""},
		{"minus zero", "0 and -0 were two users", "sub", []string{"sub", `-0`}, ""},
		{"true", "RevokeSubject did nothing, and said nothing", "sub", []string{"sub", `true`}, ""},
		{"object", "as before", "sub", []string{"sub", `{"a":1}`}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Create: gate.Create{IdentityClaim: tt.claim}, Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}}})
			got, err := check(t, g, token(tt.edits...)).SubjectKey()
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("SubjectKey = %q, %v, want %q; before: %s", got, err, tt.want, tt.before)
			}
		})
	}
	loose := compatGate(t, gate.Config{}, compat.Options{AnyIdentity: true})
	if key, err := check(t, loose, token("sub", `""`)).SubjectKey(); key != "" || err == nil {
		t.Errorf("of an empty subject: %q, %v", key, err)
	}
	if key, err := (&gate.Token{}).SubjectKey(); key != "" || err == nil {
		t.Errorf("of no token: %q, %v", key, err)
	}
}
