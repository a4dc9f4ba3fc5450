package generations_test

import (
	"testing"

	"github.com/jwtgate/gate/internal/model"
)

// A change is a password change followed by RevokeSubject, beside the login of a thief
// who knows the old password.
type change struct {
	changed, revoked   bool
	read, checked      bool // by the thief's login
	generation, issued bool // true: the new one; a token was issued
}

// changing returns the model; generationFirst is the rule under test.
func changing(generationFirst bool) model.System[change] {
	return model.System[change]{
		Next: func(c change) (steps []model.Step[change]) {
			add := func(able bool, what string, step func(*change)) {
				if able {
					n := c
					step(&n)
					steps = append(steps, model.Step[change]{To: n, What: what})
				}
			}
			add(!c.changed, "the user changes the password", func(n *change) { n.changed = true })
			add(c.changed && !c.revoked, "RevokeSubject takes effect and returns", func(n *change) { n.revoked = true })
			add(!c.read && c.checked != generationFirst, "the thief's login reads the generation", func(n *change) { n.read, n.generation = true, c.revoked })
			add(!c.checked && c.read == generationFirst && !c.changed, "the thief's login finds the old password right", func(n *change) { n.checked = true })
			add(c.read && c.checked && !c.issued, "the thief's login issues a token", func(n *change) { n.issued = true })
			return steps
		},
		Violation: func(c change) string {
			if c.revoked && c.issued && c.generation {
				return "a login with the old password is good after the return"
			}
			return ""
		},
	}
}

func TestGenerationBeforePassword(t *testing.T) {
	model.MustHold(t, changing(true).Search(limit))
	model.MustBreak(t, changing(false).Search(limit))
}
