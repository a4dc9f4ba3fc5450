package docs_test

import (
	"strings"
	"testing"
)

// TestKeysGuide: the functions of the guide are those that a test runs.
func TestKeysGuide(t *testing.T) {
	source := read(t, "internal/integration/rotation/guide_test.go")
	blocks := goBlock.FindAllStringSubmatch(read(t, "docs/keys.md"), -1)
	if len(blocks) != strings.Count(source, "\nfunc ") {
		t.Errorf("the guide has %d functions", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(source, b[1]) {
			t.Errorf("internal/integration/rotation/guide_test.go does not have this function of docs/keys.md:\n%s", b[1])
		}
	}
}
