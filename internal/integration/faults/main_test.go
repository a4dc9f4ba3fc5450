//go:build unix

package faults_test

import (
	"os"
	"testing"

	"github.com/rs/zerolog"
)

// TestMain silences the proxies, which log by a logger of the whole process. With
// FROZEN_WRITER in its environment the process is the one that TestFrozenProcess freezes.
func TestMain(m *testing.M) {
	if spec := os.Getenv("FROZEN_WRITER"); spec != "" {
		writeUntilKilled(spec)
		return
	}
	zerolog.SetGlobalLevel(zerolog.Disabled)
	os.Exit(m.Run())
}
