package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestTestingGuide: the programs of the guide are those that gatetest compiles and runs.
func TestTestingGuide(t *testing.T) {
	source := read(t, "gatetest/guide_test.go")
	blocks := goBlock.FindAllStringSubmatch(read(t, "docs/testing.md"), -1)
	if len(blocks) < 5 {
		t.Errorf("the guide has %d programs", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(source, b[1]) {
			t.Errorf("gatetest/guide_test.go does not have this program of docs/testing.md:\n%s", b[1])
		}
	}
	tests := regexp.MustCompile(`(?m)^func (Test\w+)`)
	for _, m := range tests.FindAllStringSubmatch(source, -1) {
		if !strings.Contains(read(t, "docs/testing.md"), m[1]) {
			t.Errorf("docs/testing.md does not show %s of gatetest/guide_test.go", m[1])
		}
	}
}
