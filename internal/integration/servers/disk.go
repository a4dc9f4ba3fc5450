//go:build linux

package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Disk is a file system of its own, in a file. When its power is cut, it keeps what was
// synced, and what the system has written by itself.
type Disk struct {
	Dir   string // where it is mounted
	t     testing.TB
	image string
	cuts  int
}

// NewDisk makes a disk of so many megabytes. It needs root and loop devices, and skips the
// test where there are none.
func NewDisk(t testing.TB, megabytes int64) *Disk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a power cut needs root, to mount a file system in a file")
	}
	dir, err := os.MkdirTemp("", "gate-disk-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{Dir: dir, t: t, image: filepath.Join(t.TempDir(), "disk")}
	t.Cleanup(func() {
		_ = exec.Command("umount", "-l", dir).Run()
		_ = os.Remove(dir)
	})
	err = os.WriteFile(d.image, nil, 0o600)
	if err == nil {
		err = os.Truncate(d.image, megabytes<<20)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(Need(t, "mkfs.ext4", "/sbin/mkfs.ext4"), "-q", "-E", "lazy_itable_init=0", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	if err := d.mount(); err != nil {
		t.Skip("this machine lets nobody mount: ", err)
	}
	return d
}

// mount mounts the image. The file system writes its journal only when it is told to.
func (d *Disk) mount() error {
	if out, err := exec.Command("mount", "-o", "loop,commit=300", d.image, d.Dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount: %w: %s", err, out)
	}
	return nil
}

// Sync writes all that was written so far to the disk, as an installation would.
func (d *Disk) Sync() {
	d.t.Helper()
	if out, err := exec.Command("sync", "-f", d.Dir).CombinedOutput(); err != nil {
		d.t.Fatalf("sync: %v\n%s", err, out)
	}
}

// Cut cuts the power in which a process and its children run: they end, and what was not
// synced is gone. It does not wait for the process.
func (d *Disk) Cut(pid int) {
	d.t.Helper()
	family := halt(pid)
	d.cuts++
	image := fmt.Sprint(d.image, d.cuts)
	out, err := exec.Command("cp", "--sparse=always", d.image, image).CombinedOutput()
	if err != nil {
		d.t.Fatalf("copying the disk: %v\n%s", err, out)
	}
	for _, p := range family {
		_ = syscall.Kill(p, syscall.SIGKILL)
	}
	if out, err := exec.Command("umount", "-l", d.Dir).CombinedOutput(); err != nil {
		d.t.Fatalf("umount: %v\n%s", err, out)
	}
	_ = os.Remove(d.image) // whose blocks are freed with its last user
	d.image = image
	if err := d.mount(); err != nil {
		d.t.Fatal(err)
	}
}

// halt stops a process and its children, and returns them when all have stopped.
func halt(pid int) []int {
	family := []int{pid}
	for i := 0; i < len(family); i++ {
		_ = syscall.Kill(family[i], syscall.SIGSTOP)
		for deadline := time.Now().Add(time.Second); !stopped(family[i]) && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", family[i]))
		for _, path := range lists {
			text, _ := os.ReadFile(path)
			for _, field := range strings.Fields(string(text)) {
				if child, err := strconv.Atoi(field); err == nil {
					family = append(family, child)
				}
			}
		}
	}
	return family
}

// stopped reports whether a process is halted, or gone.
func stopped(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(text), ") ") // after the name
	return strings.HasPrefix(state, "T") || strings.HasPrefix(state, "Z")
}
