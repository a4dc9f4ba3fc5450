//go:build linux

package servers

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// StartPoweredRedis starts a server whose power can be cut: cut kills it and cuts its
// append-only files back to what it has synced to the disk. It needs a C compiler, and
// skips the test where there is none.
func StartPoweredRedis(t testing.TB, args ...string) (r *Redis, cut func()) {
	t.Helper()
	cc := Need(t, "cc", "gcc", "clang")
	dir := t.TempDir()
	library, log := filepath.Join(dir, "synced.so"), filepath.Join(dir, "synced.log")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-O1", "-o", library, "../servers/testdata/synced.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("compiling: %v\n%s", err, out)
	}
	r = newRedis(t, dir)
	r.path = Need(t, "redis-server", "valkey-server")
	r.args = append([]string{"--port", r.port, "--bind", "127.0.0.1", "--dir", dir, "--daemonize", "no"}, args...)
	r.env = append(os.Environ(), "LD_PRELOAD="+library, "SYNCED_LOG="+log)
	r.Start()
	return r, func() {
		r.Kill()
		for path, size := range synced(t, log) {
			if !strings.HasSuffix(path, ".incr.aof") {
				continue
			}
			if info, err := os.Stat(path); err != nil || info.Size() <= size {
				continue
			}
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// synced reads how large each file was when it was last synced.
func synced(t testing.TB, log string) map[string]int64 {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatalf("the server has synced nothing: %v", err)
	}
	sizes := map[string]int64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		size, path, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sizes[path] = n
	}
	return sizes
}
