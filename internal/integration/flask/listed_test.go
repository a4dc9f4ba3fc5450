//go:build unix

package flask_test

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// guidePage is the page that lists the differences.
const guidePage = "../../../docs/flask-differences.md"

// A row of the page is a difference that is known: in what the answers differ, and how.
type row struct {
	key, what, theirs, ours string
	seen                    int
}

// listed reads the tables of differences that begin with the column Key.
func listed(t *testing.T) (rows []*row) {
	t.Helper()
	text, err := os.ReadFile(guidePage)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			inside = false
		case cells[0] == "Key":
			inside = true
		case inside && !strings.HasPrefix(cells[0], "--"):
			if len(cells) != 5 {
				t.Fatalf("%s: this row has %d cells, not Key, What, Original, Here and Why: %s", guidePage, len(cells), line)
			}
			rows = append(rows, &row{key: code(cells[0]), what: code(cells[1]), theirs: code(cells[2]), ours: code(cells[3])})
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s lists no differences in a table that begins with Key", guidePage)
	}
	return rows
}

func code(cell string) string { return strings.Trim(cell, "`") }

// explains reports whether a row says this difference; * in a row is any text.
func (r *row) explains(d difference, keys []string) bool {
	return slices.Contains(keys, r.key) && !r.opens() && r.what == d.what && like(r.theirs, d.theirs) && like(r.ours, d.ours)
}

// opens reports whether a row would accept a token here that Flask refuses. Only versions
// of Flask that are older than the one meant may be stricter.
func (r *row) opens() bool {
	accepts := r.ours[0] != '4' && r.ours[0] != '5' && r.ours != "200 anonymous" && !strings.HasPrefix(r.key, "inspected-headers")
	return r.what == "answer" && accepts && r.theirs != "500" && !strings.HasPrefix(r.key, "before-")
}

func like(pattern, text string) bool {
	pattern = strings.NewReplacer(`[`, `\[`, `?`, `\?`).Replace(pattern)
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
	return err == nil && ok
}
