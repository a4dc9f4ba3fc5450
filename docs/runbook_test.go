package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// operated are the packages whose errors and events an operator meets.
var operated = []string{"stores", "stores/gatemem", "stores/gatesql", "stores/gateredis", "keys", "keys/jwks", "keys/keyfile", "session"}

var eventName = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

// signals are the exported errors of a package, with its name before them, and the
// values of its constants that name events.
func signals(t *testing.T, dir string) (found []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %d files", dir, err, len(files))
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST && g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				found = append(found, signal(file.Name.Name, g.Tok, spec.(*ast.ValueSpec))...)
			}
		}
	}
	return found
}

func signal(pkg string, tok token.Token, v *ast.ValueSpec) (found []string) {
	for i, name := range v.Names {
		switch {
		case tok == token.VAR && strings.HasPrefix(name.Name, "Err"):
			found = append(found, pkg+"."+name.Name)
		case tok == token.CONST && name.IsExported() && i < len(v.Values):
			if lit, ok := v.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING && eventName.MatchString(strings.Trim(lit.Value, `"`)) {
				found = append(found, strings.Trim(lit.Value, `"`))
			}
		}
	}
	return found
}

// TestRunbook: the runbook has a row for every error and event of stores, breaker and
// key sources, and for no other.
func TestRunbook(t *testing.T) {
	rows := map[string]int{}
	for line := range strings.Lines(read(t, "docs/runbook.md")) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			rows[name]++
			if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) < 3 || strings.TrimSpace(cells[len(cells)-1]) == "" {
				t.Errorf("runbook.md does not say what to do about %s", name)
			}
		}
	}
	source := map[string]bool{}
	for _, dir := range operated {
		for _, name := range signals(t, dir) {
			source[name] = true
			if rows[name] != 1 {
				t.Errorf("runbook.md has %d rows for %s, want 1", rows[name], name)
			}
		}
	}
	for name := range rows {
		if !source[name] {
			t.Errorf("runbook.md has a row for %s, which is no error or event", name)
		}
	}
	if len(source) < 25 {
		t.Errorf("found %d errors and events in the source, which cannot be all", len(source))
	}
}
