package attacks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// outside are the packages through which a program reaches files, processes,
// databases and the network.
var outside = []string{"os", "os/exec", "syscall", "plugin", "database/sql", "io/ioutil", "net/rpc", "net/smtp"}

// engine are the packages that see a token before it is trusted.
var engine = []string{".", "keys", "internal/jws", "internal/scan"}

// noAccess holds the token engine to having no way outside at all: it imports no
// package that leads there, of net/http it uses none of the client, and of net only
// the type of a connection that a handler takes over.
func noAccess(t *testing.T) {
	t.Helper()
	for _, dir := range engine {
		for _, path := range sources(t, filepath.Join("..", "..", "..", dir)) {
			if found := waysOut(t, path, nil); len(found) > 0 {
				t.Errorf("%s uses %v", path, found)
			}
		}
	}
}

func sources(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(all) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	return slices.DeleteFunc(all, func(p string) bool { return strings.HasSuffix(p, "_test.go") })
}

// waysOut lists what a source file uses to reach outside.
func waysOut(t *testing.T, path string, src any) (found []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range f.Imports {
		if name, _ := strconv.Unquote(imp.Path.Value); slices.Contains(outside, name) {
			found = append(found, name)
		}
	}
	client := []string{"Get", "Head", "Post", "PostForm", "Client", "DefaultClient", "Transport", "DefaultTransport", "NewRequest", "NewRequestWithContext"}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch x, ok := s.X.(*ast.Ident); {
		case !ok:
		case x.Name == "http" && slices.Contains(client, s.Sel.Name), x.Name == "net" && s.Sel.Name != "Conn":
			found = append(found, x.Name+"."+s.Sel.Name)
		}
		return true
	})
	return found
}

// TestWaysOutAreFound: the check above finds what it looks for.
func TestWaysOutAreFound(t *testing.T) {
	const src = `package p
import ("net"; "os"; "net/http")
func f(net.Conn) { http.Get(os.Args[0]); net.Dial("tcp", "") }`
	if got := waysOut(t, "p.go", src); !slices.Equal(got, []string{"os", "http.Get", "net.Dial"}) {
		t.Errorf("waysOut = %v", got)
	}
	if _, err := os.Stat(filepath.Join("..", "..", "..", "gate.go")); err != nil {
		t.Fatal(err)
	}
	noAccess(t)
}
