package consumer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// next returns the second Go release that is supported; the first runs this test.
func next(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(repository + "/scripts/next.sh")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^release=(go\S+)$`).FindSubmatch(script)
	if m == nil {
		t.Fatal("scripts/next.sh names no release")
	}
	return string(m[1])
}

// nextGo returns the go command of that release, which the go command itself gets.
func nextGo(t *testing.T) string {
	t.Helper()
	release := next(t)
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "GOTOOLCHAIN="+release, "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no %s: %v\n%s", release, err, out)
		}
		t.Skipf("no %s: %v\n%s", release, err, out)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "bin", "go")
}

// public are packages of the root module, by their folders.
var public = []string{".", "keys", "flask", "stores", "stores/gatemem", "stores/gatesql"}

// foreign returns the number of packages that a package needs and that are neither of
// the standard library nor ours.
func foreign(t *testing.T, goCommand, dir string) (n int) {
	t.Helper()
	env := []string{"GOTOOLCHAIN=local", "GOWORK=off"}
	list := output(t, repository, env, goCommand, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+dir)
	for _, name := range strings.Fields(list) {
		if !strings.HasPrefix(name+"/", root+"/") {
			n++
		}
	}
	return n
}

// TestPackagesOfOthers: the table in docs/architecture.md says how many packages of
// others each package needs; from Go 1.27 on that is none.
func TestPackagesOfOthers(t *testing.T) {
	page, err := os.ReadFile(repository + "/docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	goNext := nextGo(t)
	for _, dir := range public {
		before, after := foreign(t, "go", dir), foreign(t, goNext, dir)
		if before == 0 || after != 0 {
			t.Errorf("%s needs %d packages of others with this Go release, and %d with the next; want some and none", dir, before, after)
		}
		name := strings.Replace(filepath.Base(dir), ".", "gate", 1)
		if row := fmt.Sprintf("\n| `%s` | %d | %d |\n", name, before, after); !strings.Contains(string(page), row) {
			t.Errorf("docs/architecture.md has no row %q", row)
		}
	}
}

// TestNoJSONCodeOfOthers: what go list says, the linker says too.
func TestNoJSONCodeOfOthers(t *testing.T) {
	const library = "github.com/go-json-experiment/"
	if linked := linkedNames(t, "go"); !strings.Contains(linked, library) {
		t.Errorf("a program built with this Go release has no name of %s: the test looks at the wrong thing", library)
	}
	if linked := linkedNames(t, nextGo(t)); strings.Contains(linked, library) {
		t.Errorf("a program built with the next Go release has names of %s", library)
	}
}

// linkedNames returns the names in a program that has the root's tests in it.
func linkedNames(t *testing.T, goCommand string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "gate.test")
	env := []string{"GOTOOLCHAIN=local", "GOWORK=off"}
	output(t, repository, env, goCommand, "test", "-c", "-o", program, "./flask")
	return output(t, repository, env, goCommand, "tool", "nm", program)
}
