//go:build unix

package faults_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rs/zerolog"
)

// TestMain silences the proxies, which log by a logger of the whole process. With
// FROZEN_WRITER in its environment the process is the one that TestFrozenProcess freezes,
// and with KILLED_NODE the one that TestF11 kills.
func TestMain(m *testing.M) {
	if spec := os.Getenv("FROZEN_WRITER"); spec != "" {
		writeUntilKilled(spec)
		return
	}
	if spec := os.Getenv("KILLED_NODE"); spec != "" {
		fmt.Println(serveUntilKilled(spec))
		os.Exit(1)
	}
	zerolog.SetGlobalLevel(zerolog.Disabled)
	os.Exit(m.Run())
}
