package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSessionEvents compares the table of events with the constants of package session.
func TestSessionEvents(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "session/events.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	source := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				source[v.Names[0].Name] = strings.Trim(lit.Value, `"`)
			}
		}
		return true
	})
	page := map[string]string{}
	for _, r := range table(read(t, "docs/sessions.md"), "Constant") {
		page[code(r[0])] = code(r[1])
	}
	if len(source) < 8 || !maps.Equal(page, source) {
		t.Errorf("sessions.md has the events %v, the source %v", page, source)
	}
}

// TestSessionPains: the table has a test for each line, and each test exists.
func TestSessionPains(t *testing.T) {
	known := tests(t)
	_, section, _ := strings.Cut(read(t, "docs/sessions.md"), "## What users of such libraries suffer from")
	rows := regexp.MustCompile("(?m)^\\| (\\d+) \\|.*\\| (`Test.*`) \\|$").FindAllStringSubmatch(section, -1)
	if len(rows) != 21 {
		t.Errorf("%d lines name a test, want 21", len(rows))
	}
	for _, r := range rows {
		for _, name := range strings.Split(r[2], ", ") {
			if !known[strings.Trim(name, "`")] {
				t.Errorf("line %s names %s, which does not exist", r[1], name)
			}
		}
	}
}

// tests are the names of all tests that have to do with sessions.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	found, name := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, dir := range []string{"session", "stores", "internal/integration/faults"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, m := range name.FindAllStringSubmatch(read(t, strings.TrimPrefix(path, root+"/")), -1) {
				found[m[1]] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
