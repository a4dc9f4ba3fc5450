//go:build unix

package faults_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rs/zerolog"
)

// TestMain silences the proxies, which log by a logger of the whole process. Where the
// environment names a role, the process is a part of a test of another one.
func TestMain(m *testing.M) {
	for name, play := range roles {
		if spec := os.Getenv(name); spec != "" {
			fmt.Println(play(spec))
			os.Exit(1)
		}
	}
	zerolog.SetGlobalLevel(zerolog.Disabled)
	os.Exit(m.Run())
}
