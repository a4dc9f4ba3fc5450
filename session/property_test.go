package session_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/sessiontest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// TestAgainstModel holds random schedules of logins, refreshes, ends and pauses to a model
// of what should come of them.
func TestAgainstModel(t *testing.T) {
	rounds := 300
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		rounds = n
	}
	sessiontest.AgainstModel(t, rounds, func(clock func() time.Time) stores.Sessions {
		return must(gatemem.New(gatemem.Options{Clock: clock, Leeway: sessiontest.Leeway}))
	})
}
