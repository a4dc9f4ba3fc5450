package gatemem

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Save writes a snapshot to a file, in the place of the one that was there: whatever
// happens, the file is the old snapshot or the new one, whole and on the disk. Nobody
// but its owner may read it: whoever knows its key can make identifiers that collide.
// Call it when the process shuts down, and from time to time.
func (s *Store) Save(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".gatemem-*")
	if err != nil {
		return fmt.Errorf("gatemem: %w", err)
	}
	defer os.Remove(f.Name()) // gone already when all is well
	err = s.Snapshot(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("gatemem: saving: %w", err)
	}
	return nil
}

// syncDir makes a rename last. Windows has nothing of the kind.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Load reads a file that [Store.Save] has written: see [Read]. Where there is none the
// error is fs.ErrNotExist: the first start, or the loss of everything revoked. Only
// the caller can know which.
func Load(path string, o Options) (*Store, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gatemem: %w", err)
	}
	defer f.Close()
	return Read(f, o)
}
