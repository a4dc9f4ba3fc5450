package keyfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/keyfile"
)

// TestReplace: after a theft only the new key is left, in the ring, in the file, and for
// other processes. Keys that were to sign later are gone too.
func TestReplace(t *testing.T) {
	for _, name := range []string{"keys.json", ""} {
		t.Run(name, func(t *testing.T) {
			var now time.Time
			o := options(&now)
			path := filepath.Join(t.TempDir(), name)
			f := must(keyfile.Create(path, keys.HS256, o))
			if err := f.Rotate(keys.HS256, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			other := must(keyfile.Open(path, o))
			stolen := f.Ring().Keys()
			if err := errors.Join(f.Replace(keys.ES256), other.Reload()); err != nil {
				t.Fatal(err)
			}
			for _, f := range []*keyfile.File{f, other, must(keyfile.Open(path, o))} {
				if got := phases(f); got != "ES256/active" {
					t.Errorf("phases = %s", got)
				}
			}
			for _, k := range stolen {
				if text := everything(t, path); strings.Contains(text, k.ID()) {
					t.Errorf("the key %s is still there: %s", k.ID(), text)
				}
			}
			checkModes(t, path)
			// The new key also signs where the clock is behind, and can be rotated.
			now = now.Add(-30 * time.Second)
			if got := phases(other); got != "ES256/active" {
				t.Errorf("with a clock that is behind: phases = %s", got)
			}
			if err := f.Rotate(keys.ES256, now); err != nil || phases(f) != "ES256/retiring ES256/active" {
				t.Errorf("Rotate = %v, phases = %s", err, phases(f))
			}
		})
	}
}

// TestReplaceBeginning: the new key begins at another second than the old ones, which other
// processes may still read beside it.
func TestReplaceBeginning(t *testing.T) {
	var now time.Time
	o := options(&now)
	dir := t.TempDir()
	f := must(keyfile.Create(dir, keys.ES256, o))
	if err := f.Rotate(keys.ES256, now); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{}
	for _, e := range must(os.ReadDir(dir)) {
		before[e.Name()] = string(must(os.ReadFile(filepath.Join(dir, e.Name()))))
	}
	now = now.Add(time.Minute)
	if err := f.Replace(keys.ES256); err != nil {
		t.Fatal(err)
	}
	for name, text := range before {
		write(t, filepath.Join(dir, name), text)
	}
	if f, err := keyfile.Open(dir, o); err != nil || len(f.Ring().Keys()) != 3 {
		t.Errorf("Open with the old keys: %v", err)
	}
}

// TestReplaceWhileRead: a directory can be read while another process replaces its keys.
func TestReplaceWhileRead(t *testing.T) {
	var now time.Time
	o := options(&now)
	dir := t.TempDir()
	f := must(keyfile.Create(dir, keys.ES256, o))
	other := must(keyfile.Open(dir, o))
	var replaced atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !replaced.Load() {
				if err := other.Reload(); err != nil {
					t.Errorf("Reload: %v", err)
				}
				if _, err := keyfile.Open(dir, o); err != nil {
					t.Errorf("Open: %v", err)
				}
			}
		})
	}
	for range 60 {
		if err := f.Replace(keys.ES256); err != nil {
			t.Errorf("Replace: %v", err)
		}
	}
	replaced.Store(true)
	wg.Wait()
}

// TestReplaceAgain: a directory in which the old key could not be removed can be opened,
// and the next Replace removes it.
func TestReplaceAgain(t *testing.T) {
	var now time.Time
	o := options(&now)
	dir := t.TempDir()
	f := must(keyfile.Create(dir, keys.ES256, o))
	old := filepath.Join(dir, must(os.ReadDir(dir))[0].Name())
	text := must(os.ReadFile(old))
	if err := f.Replace(keys.ES256); err != nil {
		t.Fatal(err)
	}
	write(t, old, string(text))
	f = must(keyfile.Open(dir, o))
	if got := phases(f); got != "ES256/retiring ES256/active" {
		t.Errorf("phases = %s", got)
	}
	if err := f.Replace(keys.ES256); err != nil || phases(f) != "ES256/active" {
		t.Errorf("Replace = %v, phases = %s", err, phases(f))
	}
}
