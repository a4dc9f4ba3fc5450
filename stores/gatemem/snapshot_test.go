package gatemem_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func TestSnapshot(t *testing.T) {
	c := gatetest.NewClock()
	o := gatemem.Options{Clock: c.Now, Scope: stores.NewScope("a")}
	s := newStore(t, o)
	for i := range 1000 {
		revoke(t, s, c, fmt.Sprint(i))
	}
	forever := gatetest.NewToken(c, "forever")
	forever.Expiry, forever.Subject, forever.SessionID = time.Time{}, "", ""
	if err := errors.Join(
		s.RevokeToken(t.Context(), forever, stores.Note{}),
		s.RevokeSession(t.Context(), "sid-s", stores.Note{}),
		s.RevokeSubject(t.Context(), "bob", stores.SubjectOptions{ExceptSession: "mine"}, stores.Note{}),
	); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "revoked")
	for range 2 { // the second time over the first
		if err := s.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("snapshot: %v, %v; want mode 0600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".gatemem-*")); len(left) > 0 {
		t.Errorf("Save leaves %v behind", left)
	}
	r, err := gatemem.Load(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Len() != s.Len() {
		t.Errorf("Len = %d, want %d", r.Len(), s.Len())
	}
	for i := range 1000 {
		wantBlocked(t, r, gatetest.NewToken(c, fmt.Sprint(i)), true)
		wantBlocked(t, r, gatetest.NewToken(c, fmt.Sprint("other", i)), false)
	}
	bob, mine := gatetest.NewToken(c, "b"), gatetest.NewToken(c, "m")
	bob.Subject, mine.Subject, mine.SessionID = "bob", "bob", "mine"
	wantBlocked(t, r, gatetest.NewToken(c, "s"), true)
	wantBlocked(t, r, bob, true)
	wantBlocked(t, r, mine, false)

	c.Advance(time.Hour)
	if r, err = gatemem.Load(path, o); err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, r, forever, true)
	if r.Len() != 3 {
		t.Errorf("Len = %d an hour later, want 3", r.Len())
	}
}

// TestBadSnapshot: of a snapshot with any byte missing, added or changed no store
// comes.
func TestBadSnapshot(t *testing.T) {
	c := gatetest.NewClock()
	o := gatemem.Options{Clock: c.Now, Scope: stores.NewScope("a")}
	s := newStore(t, o)
	revoke(t, s, c, "x", "y", "z")
	if err := s.RevokeSubject(t.Context(), "bob", stores.SubjectOptions{}, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddSession(t.Context(), stores.SessionRecord{ID: "id", Live: "live", Subject: "alice"}, stores.SessionLimit{}); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := s.Snapshot(&file); err != nil {
		t.Fatal(err)
	}
	good := file.Bytes()
	for n := range good {
		if r, err := gatemem.Read(bytes.NewReader(good[:n]), o); !errors.Is(err, gatemem.ErrCorrupt) || r != nil {
			t.Errorf("the first %d of %d bytes: %v, want ErrCorrupt and no store", n, len(good), err)
		}
		bad := bytes.Clone(good)
		bad[n] ^= 0x41
		if r, err := gatemem.Read(bytes.NewReader(bad), o); !errors.Is(err, gatemem.ErrCorrupt) && !errors.Is(err, gatemem.ErrForeign) || r != nil {
			t.Errorf("byte %d changed: %v, want ErrCorrupt or ErrForeign and no store", n, err)
		}
	}
	for _, tt := range []struct {
		name string
		file []byte
		o    gatemem.Options
		want error
	}{
		{"more after it", append(bytes.Clone(good), 0), o, gatemem.ErrCorrupt},
		{"another scope", good, gatemem.Options{Clock: c.Now, Scope: stores.NewScope("b")}, gatemem.ErrForeign},
		{"another file", bytes.Repeat([]byte("PNG "), 100), o, gatemem.ErrForeign},
		{"another version", append([]byte("gatemem\x01"), good[8:]...), o, gatemem.ErrForeign},
		{"too many entries", good, gatemem.Options{Clock: c.Now, Scope: stores.NewScope("a"), MaxTokens: 2}, stores.ErrFull},
	} {
		if r, err := gatemem.Read(bytes.NewReader(tt.file), tt.o); !errors.Is(err, tt.want) || r != nil {
			t.Errorf("%s: error = %v, want %v and no store", tt.name, err, tt.want)
		}
	}
	if _, err := gatemem.Load(filepath.Join(t.TempDir(), "none"), o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error = %v, want fs.ErrNotExist", err)
	}
	if err := s.Save(filepath.Join(t.TempDir(), "none", "file")); err == nil {
		t.Error("Save into a directory that does not exist: no error")
	}
}

// TestSnapshotWhileInUse: what was revoked before a snapshot began is in it.
func TestSnapshotWhileInUse(t *testing.T) {
	c := gatetest.NewClock()
	s := newStore(t, gatemem.Options{Clock: c.Now})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 300 {
				revoke(t, s, c, fmt.Sprint(w, "/", i))
			}
		})
	}
	for i := range 20 {
		id := fmt.Sprint("before ", i)
		revoke(t, s, c, id)
		var file bytes.Buffer
		if err := s.Snapshot(&file); err != nil {
			t.Fatal(err)
		}
		r, err := gatemem.Read(&file, gatemem.Options{Clock: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		wantBlocked(t, r, gatetest.NewToken(c, id), true)
	}
	wg.Wait()
}

// failing is a disk that is full after some bytes.
type failing int

func (f *failing) Write(b []byte) (int, error) {
	if *f -= failing(len(b)); *f < 0 {
		return 0, errors.New("disk full")
	}
	return len(b), nil
}

func TestSnapshotToFullDisk(t *testing.T) {
	c := gatetest.NewClock()
	s := newStore(t, gatemem.Options{Clock: c.Now})
	revoke(t, s, c, "x")
	for _, space := range []failing{0, 570} {
		if err := s.Snapshot(&space); err == nil {
			t.Error("Snapshot to a full disk: no error")
		}
	}
}
