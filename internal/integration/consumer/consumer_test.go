// Package consumer_test uses the public modules as a user does: from a module proxy, in a
// module of its own, without a replace line or go.work.
package consumer_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// environment returns that of a stranger: our modules come from served, others from
// this machine's module cache or from where it gets modules.
func environment(t *testing.T, served string) []string {
	t.Helper()
	cached := filepath.Join(output(t, ".", nil, "go", "env", "GOMODCACHE"), "cache", "download")
	return []string{
		"GOPROXY=file://" + served + ",file://" + cached + "," + output(t, ".", nil, "go", "env", "GOPROXY"),
		"GOMODCACHE=" + filepath.Join(t.TempDir(), "mod"),
		"GOFLAGS=-mod=mod -modcacherw -trimpath",
		"GONOSUMDB=" + root + ",*", "GOSUMDB=off", "GOWORK=off", "GOPRIVATE=", "GONOPROXY=",
		"GOBIN=" + t.TempDir(),
	}
}

func TestStrangerUsesEachModule(t *testing.T) {
	if testing.Short() {
		t.Skip("builds modules")
	}
	tree, dirs := released(t)
	env := environment(t, proxy(t, tree, dirs))
	for _, dir := range dirs {
		t.Run(moduleOf(dir).Path, func(t *testing.T) {
			if isCommand(t, filepath.Join(tree, dir)) {
				output(t, t.TempDir(), env, "go", "install", moduleOf(dir).String())
				return
			}
			stranger := t.TempDir()
			output(t, stranger, env, "go", "mod", "init", "example.com/stranger")
			output(t, stranger, env, "go", "get", moduleOf(dir).String())
			if copyExamples(t, tree, dir, stranger) == 0 {
				t.Fatalf("%s has no example that others can compile: add an example_test.go that imports nothing internal, or a program in testdata here", dir)
			}
			output(t, stranger, env, "go", "vet", "./...")
			t.Log(output(t, stranger, env, "go", "list", "-m", "all"))
		})
	}
}

// TestUnreleasedTree: without the step that docs/releasing.md names, what a stranger
// gets needs a version that nobody serves.
func TestUnreleasedTree(t *testing.T) {
	served := proxy(t, repository, []string{".", "./stores/gateredis"})
	stranger, env := t.TempDir(), append(os.Environ(), environment(t, served)...)
	output(t, stranger, env, "go", "mod", "init", "example.com/stranger")
	get := exec.Command("go", "get", moduleOf("./stores/gateredis").String())
	get.Dir, get.Env = stranger, append(env, "GOPROXY=file://"+served)
	if out, err := get.CombinedOutput(); err == nil {
		t.Errorf("a tree that was not made ready can be used: %s", out)
	}
}

// isCommand reports whether the module is a program, to be installed.
func isCommand(t *testing.T, dir string) bool {
	t.Helper()
	return output(t, dir, []string{"GOWORK=off"}, "go", "list", "-find", "-e", "-f", "{{.Name}}", ".") == "main"
}

// copyExamples copies the examples of a module into a folder each, and returns their
// number: those of its packages that import nothing internal, and that of testdata.
func copyExamples(t *testing.T, tree, dir, stranger string) (n int) {
	t.Helper()
	if own := filepath.Join("testdata", filepath.Base(moduleOf(dir).Path)); exists(own) {
		if err := os.CopyFS(filepath.Join(stranger, "own"), os.DirFS(own)); err != nil {
			t.Fatal(err)
		}
		n++
	}
	for _, name := range examples(t, filepath.Join(tree, dir)) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), root+"/internal/") {
			continue
		}
		folder := strings.TrimSuffix(strings.ReplaceAll(strings.TrimPrefix(name, tree), "/", "_"), "_test.go")
		write(t, filepath.Join(stranger, "e"+folder, "example_test.go"), string(text))
		n++
	}
	return n
}

// examples returns the example files of a module, without those of nested modules.
func examples(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (exists(filepath.Join(path, "go.mod")) || d.Name() == "internal" || d.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasPrefix(d.Name(), "example") && strings.HasSuffix(d.Name(), "_test.go"):
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
