//go:build unix

package keyfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/keyfile"
)

// TestOwner: where root changes the keys of a service of another user, the service can
// still read them. Otherwise it would go on with a key that was stolen.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	const user, group = 12345, 12346
	for _, name := range []string{"keys.json", ""} {
		var now time.Time
		o := options(&now)
		path := filepath.Join(t.TempDir(), name)
		f := must(keyfile.Create(path, keys.ES256, o))
		files := func() []string {
			if name != "" {
				return []string{path}
			}
			return must(filepath.Glob(filepath.Join(path, "*.json")))
		}
		for _, file := range files() {
			if err := os.Chown(file, user, group); err != nil {
				t.Fatal(err)
			}
		}
		change := map[string]func() error{
			"Rotate":  func() error { return f.Rotate(keys.ES256, now.Add(time.Minute)) },
			"Replace": func() error { return f.Replace(keys.ES256) },
		}
		for _, what := range []string{"Rotate", "Replace"} {
			if err := change[what](); err != nil {
				t.Fatal(err)
			}
			for _, file := range files() {
				info := must(os.Stat(file))
				if st := info.Sys().(*syscall.Stat_t); st.Uid != user || st.Gid != group || info.Mode().Perm() != 0o600 {
					t.Errorf("after %s: %s is of %d:%d with mode %v", what, file, st.Uid, st.Gid, info.Mode())
				}
			}
		}
	}
}
