package docs_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// modules returns the folders of the repository's modules, "." first.
func modules(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == ".cache" || d.Name() == ".git"):
			return fs.SkipDir
		case d.Name() != "go.mod":
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		dirs = append(dirs, filepath.ToSlash(dir))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(dirs)
	return dirs
}

var requiresRoot = regexp.MustCompile(`(?m)^(require)?\s+github\.com/jwtgate/gate v`)

var use = regexp.MustCompile(`(?m)^\t(?:\./)?(\S+)$`)

// TestWorkspace: go.work joins all modules, and nothing else.
func TestWorkspace(t *testing.T) {
	var used []string
	for _, m := range use.FindAllStringSubmatch(read(t, "go.work"), -1) {
		used = append(used, m[1])
	}
	slices.Sort(used)
	if all := modules(t); !slices.Equal(used, all) {
		t.Errorf("go.work uses %q, the modules are %q", used, all)
	}
}

// TestNestedModules: each has its path's name, and finds its siblings without go.work.
func TestNestedModules(t *testing.T) {
	for _, dir := range modules(t)[1:] {
		mod := read(t, dir+"/go.mod")
		if want := "module github.com/jwtgate/gate/" + dir + "\n"; !strings.HasPrefix(mod, want) {
			t.Errorf("%s/go.mod does not begin with %q", dir, want)
		}
		if !requiresRoot.MatchString(mod) {
			continue
		}
		back := strings.Repeat("../", strings.Count(dir, "/")+1)
		if want := "github.com/jwtgate/gate => " + strings.TrimSuffix(back, "/"); !strings.Contains(mod, want+"\n") {
			t.Errorf("%s/go.mod lacks replace %s", dir, want)
		}
		if public := !strings.HasPrefix(dir, "internal/") && !strings.HasPrefix(dir, "examples/"); public && strings.Contains(mod, "gate v0.0.0") {
			t.Errorf("%s/go.mod requires v0.0.0, which nobody can get: require the last release", dir)
		}
	}
}

// TestMap: the map of the source leaves no file of the root out, and no module but
// those under internal, which have one line together.
func TestMap(t *testing.T) {
	page := read(t, "docs/architecture.md")
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	places := slices.DeleteFunc(modules(t)[1:], func(dir string) bool { return strings.HasPrefix(dir, "internal/") })
	for _, f := range files {
		if name := filepath.Base(f); !strings.HasSuffix(name, "_test.go") {
			places = append(places, name)
		}
	}
	for _, place := range places {
		if !strings.Contains(page, "(../"+place+")") {
			t.Errorf("architecture.md has no link to %s", place)
		}
	}
}

// TestIndex: the page that says which page is for whom leaves none out.
func TestIndex(t *testing.T) {
	index := read(t, "docs/index.md")
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for _, f := range files {
		if f != "index.md" && !strings.Contains(index, "("+f+")") {
			t.Errorf("index.md has no link to %s", f)
		}
	}
}

// TestOneJSONLibrary: internal/json alone says where JSON comes from.
func TestOneJSONLibrary(t *testing.T) {
	list := exec.Command("go", "list", "-f", "{{.ImportPath}}:{{range .Imports}} {{.}}{{end}}{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, imports, _ := strings.Cut(line, ":")
		if strings.Contains(imports, "go-json-experiment") && !strings.Contains(name, "/internal/json") {
			t.Errorf("%s imports the JSON library itself, not internal/json", name)
		}
	}
}
