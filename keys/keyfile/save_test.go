package keyfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/keyfile"
)

// TestModes: what others can read is no secret. A public key may be read by all.
func TestModes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	o := keyfile.Options{Lifetime: time.Hour}
	f := must(keyfile.Create(path, keys.ES256, o))
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o604, 0o620, 0o602} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keyfile.Open(path, o); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %#o: %v", mode, err)
		}
		if err := f.Reload(); err == nil {
			t.Errorf("mode %#o: reloaded", mode)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Open(path, o); err != nil {
		t.Error(err)
	}
	public := filepath.Join(dir, "public.json")
	write(t, public, published(f))
	if err := os.Chmod(public, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Open(public, o); err != nil {
		t.Error(err)
	}
}

// TestExposed: the group may read a file of root, for a process of another user.
func TestExposed(t *testing.T) {
	for _, tt := range []struct {
		name        string
		mode        fs.FileMode
		owner, user int
		want        bool
	}{
		{"the user's own", 0o600, 1000, 1000, false},
		{"the user's own, for the group", 0o640, 1000, 1000, true},
		{"root's, in a volume with fsGroup", 0o440, 0, 1000, false},
		{"root's, for the group", 0o640, 0, 1000, false},
		{"root's, which the group can change", 0o660, 0, 1000, true},
		{"root's, which the group can execute", 0o650, 0, 1000, true},
		{"root's, for all", 0o444, 0, 1000, true},
		{"root's, and so is the process", 0o440, 0, 0, true},
		{"another user's, for the group", 0o440, 1001, 1000, true},
		{"another user's, and root reads it", 0o440, 1001, 0, true},
		{"another user's, for all", 0o604, 1001, 0, true},
		{"a system without users", 0o666, -1, -1, false},
	} {
		if got := keyfile.Exposed(tt.mode, tt.owner, tt.user); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	o := keyfile.Options{Lifetime: time.Hour}
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	f := must(keyfile.Create(path, keys.ES256, o))
	before := everything(t, path)
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"there is one", errOf(keyfile.Create(path, keys.ES256, o)), "use Open and Rotate"},
		{"there is one in the directory", errOf(keyfile.Create(dir, keys.ES256, o)), "use Open and Rotate"},
		{"no directory", errOf(keyfile.Create(filepath.Join(dir, "a", "keys.json"), keys.ES256, o)), "no such file"},
		{"a path through a file", errOf(keyfile.Create(filepath.Join(path, "x"), keys.ES256, o)), "not a directory"},
		{"no algorithm", errOf(keyfile.Create(filepath.Join(dir, "b.json"), "", o)), "no algorithm"},
		{"not supported", errOf(keyfile.Create(filepath.Join(dir, "c.json"), "none", o)), `"none", which is not supported`},
		{"rotation, not supported", f.Rotate("none", time.Now()), `"none", which is not supported`},
		{"replacement, not supported", f.Replace("none"), `"none", which is not supported`},
		{"rotation back in time", errors.Join(f.Rotate(keys.ES256, time.Now()), f.Rotate(keys.ES256, time.Now().Add(-time.Hour))), "not before the new one"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, tt.err, tt.want)
		}
	}
	if everything(t, path) == before {
		t.Error("the rotation was not saved")
	}
}

func errOf(_ *keyfile.File, err error) error { return err }

// TestSaveFails: where the file cannot be replaced, neither file nor ring has changed.
func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	f := must(keyfile.Create(path, keys.ES256, keyfile.Options{Lifetime: time.Hour}))
	before, shown := everything(t, path), published(f)
	elsewhere := filepath.Join(t.TempDir(), "keys.json")
	if err := os.Rename(path, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Rotate": f.Rotate(keys.ES256, time.Now()), "Replace": f.Replace(keys.ES256)} {
		if err == nil || published(f) != shown {
			t.Errorf("%s = %v without the file", name, err)
		}
	}
	if err := errors.Join(os.Remove(path), os.Rename(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
	if everything(t, path) != before {
		t.Error("the file has changed")
	}
}
