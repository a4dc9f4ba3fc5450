// Package docs_test checks the documentation against the source: links, Go names,
// the tables of errors and of Flask-JWT-Extended, and the README's program.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// root is the repository.
const root = ".."

// pages returns the text of every Markdown file of the repository, by its path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == ".cache" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("found %d pages, which cannot be all", len(all))
	}
	return all
}

// read returns the text of a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fence  = regexp.MustCompile("(?s)```.*?```")
	inline = regexp.MustCompile("`[^`\n]*`")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// anchors returns the fragments of a page's headings, as forges make them.
func anchors(text string) map[string]bool {
	found := make(map[string]bool)
	for line := range strings.Lines(fence.ReplaceAllString(text, "")) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		found[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			}
			return -1
		}, title)] = true
	}
	return found
}

func TestLinks(t *testing.T) {
	for path, text := range pages(t) {
		prose := inline.ReplaceAllString(fence.ReplaceAllString(text, ""), "code")
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			target := m[1]
			if strings.HasPrefix(target, "https://") {
				continue // of others, who may be down
			}
			file, fragment, _ := strings.Cut(target, "#")
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), file)
			}
			content, err := os.ReadFile(to)
			if err != nil {
				if info, statErr := os.Stat(to); statErr != nil || !info.IsDir() {
					t.Errorf("%s links to %s, which does not exist", path, target)
				}
				continue
			}
			if fragment != "" && !anchors(string(content))[fragment] {
				t.Errorf("%s links to %s, which has no such heading", path, target)
			}
		}
	}
}

// row is a line of a table, cell by cell.
type row []string

// table returns the rows of all tables whose first heading is the given one.
func table(text, heading string) (rows []row) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			inside = false
		case cells[0] == heading:
			inside = true
		case inside && !strings.HasPrefix(cells[0], "--"):
			rows = append(rows, cells)
		}
	}
	return rows
}

// code takes the text out of a cell that is `code`.
func code(cell string) string { return strings.Trim(cell, "`") }
