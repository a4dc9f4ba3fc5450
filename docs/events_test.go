package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"testing"
)

// TestEvents compares the table of events with the constants of the source.
func TestEvents(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "events.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	source := map[string]string{}
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				source[v.Names[0].Name] = literal(v.Values[0])
			}
		}
	}
	page := map[string]string{}
	for _, r := range table(read(t, "docs/errors.md"), "Event") {
		page[code(r[0])] = code(r[1])
	}
	if len(source) < 5 || !maps.Equal(page, source) {
		t.Errorf("errors.md has the events %v, the source %v", page, source)
	}
}
