package gatemem

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Save writes a snapshot to a file and replaces an older one. After a crash the file is
// the complete old snapshot or the complete new one. Only the file's owner can read it,
// because it holds the hash key, with which one can make identifiers that collide, and
// the subjects and devices of sessions. Call Save when the process shuts down, and from
// time to time before that.
func (s *Store) Save(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".gatemem-*")
	if err != nil {
		return fmt.Errorf("gatemem: %w", err)
	}
	defer os.Remove(f.Name()) // after success there is no file of that name any more
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

// syncDir makes sure that a rename is on the disk. Windows has no such call.
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

// Load reads a file that [Store.Save] has written: see [Read]. If there is no file, the
// error is fs.ErrNotExist. Then this is the first start, or all revocations were lost;
// only the caller can know which.
func Load(path string, o Options) (*Store, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gatemem: %w", err)
	}
	defer f.Close()
	return Read(f, o)
}
