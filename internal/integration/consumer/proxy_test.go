package consumer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

const (
	repository = "../../.."
	root       = "github.com/jwtgate/gate"
	version    = "v0.987.0" // made up
)

// released returns the folder of a copy of the repository as it would be tagged, and
// the folders of its public modules in it.
func released(t *testing.T) (tree string, dirs []string) {
	t.Helper()
	tree = t.TempDir()
	if err := os.CopyFS(tree, os.DirFS(repository)); err != nil {
		t.Fatal(err)
	}
	t.Log(output(t, tree, nil, "scripts/release-mods.sh", version))
	return tree, strings.Fields(output(t, tree, nil, "scripts/modules.sh", "public"))
}

// moduleOf returns the module of a folder that scripts/modules.sh printed.
func moduleOf(dir string) module.Version {
	return module.Version{Path: root + strings.TrimPrefix(dir, "."), Version: version}
}

// proxy writes the modules into a folder, as a module proxy serves them.
func proxy(t *testing.T, tree string, dirs []string) string {
	t.Helper()
	served := t.TempDir()
	for _, dir := range dirs {
		m := moduleOf(dir)
		at := filepath.Join(served, m.Path, "@v")
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		mod, err := os.ReadFile(filepath.Join(tree, dir, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(at, "list"), version+"\n")
		write(t, filepath.Join(at, version+".info"), fmt.Sprintf(`{"Version":%q,"Time":"2026-01-02T03:04:05Z"}`, version))
		write(t, filepath.Join(at, version+".mod"), string(mod))
		pack(t, m, filepath.Join(tree, dir), filepath.Join(at, version+".zip"))
	}
	return served
}

// pack makes the zip of a module, by the rules that proxies hold modules to.
func pack(t *testing.T, m module.Version, dir, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := modzip.CreateFromDir(f, m, dir); err != nil {
		t.Fatalf("%v cannot be published: %v", m, err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// output runs a command and returns what it prints.
func output(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}
