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

// packages are those whose names the pages use, by their folders.
var packages = map[string]string{
	"gate": "", "keys": "keys", "jwks": "keys/jwks", "keyfile": "keys/keyfile", "flask": "flask", "session": "session", "gatetest": "gatetest",
	"gategin": "adapters/gategin", "gateecho": "adapters/gateecho", "gatefiber": "adapters/gatefiber", "gategrpc": "adapters/gategrpc", "gateconnect": "adapters/gateconnect", "oidc": "oidc",
	"gatemem": "stores/gatemem", "gatesql": "stores/gatesql", "gateredis": "stores/gateredis", "stores": "stores", "storekit": "stores/storekit",
}

// names returns the exported names of a package: "New", "Config", "Config.Keys" for
// fields, "Gate.Require" for methods.
func names(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		t.Fatal(err)
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
			addNames(found, d)
		}
	}
	return found
}

func addNames(found map[string]bool, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		found[receiver(d)+d.Name.Name] = true
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					found[name.Name] = true
				}
			case *ast.TypeSpec:
				found[spec.Name.Name] = true
				addMembers(found, spec)
			}
		}
	}
}

// receiver returns "Gate." for a method of Gate or *Gate, and "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "."
	}
	return "generic."
}

// addMembers adds the fields of a struct and the methods of an interface.
func addMembers(found map[string]bool, spec *ast.TypeSpec) {
	var list *ast.FieldList
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			found[spec.Name.Name+"."+name.Name] = true
		}
	}
}

// goName is a name of a package; s.gate.Require is none, but a method of a field.
var goName = regexp.MustCompile(`(?:^|[^.\w])([a-z]+)\.([A-Z]\w*(?:\.[A-Z]\w*)?)`)

// TestNames finds names in the pages, in prose and in code, that do not exist.
func TestNames(t *testing.T) {
	known := make(map[string]map[string]bool)
	checked := 0
	for path, text := range pages(t) {
		for _, m := range goName.FindAllStringSubmatch(text, -1) {
			dir, ours := packages[m[1]]
			if !ours {
				continue
			}
			if known[m[1]] == nil {
				known[m[1]] = names(t, dir)
			}
			checked++
			if !known[m[1]][m[2]] {
				t.Errorf("%s names %s.%s, which does not exist", path, m[1], m[2])
			}
		}
	}
	if checked < 100 {
		t.Errorf("checked %d names; the pages have more, so the test must be wrong", checked)
	}
}
