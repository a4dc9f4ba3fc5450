//go:build unix

package faults_test

import (
	"os"
	"testing"

	"github.com/rs/zerolog"
)

// TestMain silences the proxies, which log by a logger of the whole process.
func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled)
	os.Exit(m.Run())
}
