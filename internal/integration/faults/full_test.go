//go:build unix

package faults_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// fill revokes until there were a hundred errors, and returns the last one: the first may
// be that of a busy machine.
func fill(t *testing.T, store revoker, l *ledger, most int) (last error) {
	t.Helper()
	note := stores.Note{Why: strings.Repeat("full ", 100)}
	for more := 100; more > 0 && l.size() < most; {
		tok := newToken()
		err := store.RevokeToken(t.Context(), tok, note)
		if err == nil {
			l.tokens = append(l.tokens, tok)
			continue
		}
		last = err
		more--
	}
	return last
}

// TestRedisFull fills the server: a revocation that has no space is an error, and those that
// had are kept.
func TestRedisFull(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		args := append(servers.Durable, "--maxmemory", "4mb")
		server := servers.StartRedis(t, args...)
		store := newStore(t, connect(t, alone(server.Addr)), gateredis.Options{Timeout: 5 * time.Second}) // full, and not merely slow
		var l ledger
		if err := fill(t, store, &l, 1<<20); !errors.Is(err, stores.ErrFull) {
			t.Errorf("the error of a full server = %v, want ErrFull", err)
		}
		holds(t, "F9 redis at its maxmemory", l.audit(t.Context(), store).open())

		evicting := servers.StartRedis(t, append(args, "--maxmemory-policy", "allkeys-lru")...)
		client := connect(t, alone(evicting.Addr))
		closed, err := gateredis.New(client, gateredis.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := closed.Check(t.Context()); !errors.Is(err, stores.ErrUnsafe) {
			t.Errorf("Check of a server that evicts = %v, want ErrUnsafe", err)
		}
		old := fat{naive{client}}
		l = ledger{}
		_ = fill(t, old, &l, 20_000)
		caught(t, "F9", "a server that evicts, unchecked", l.audit(t.Context(), old).open())
	})
	t.Run("disk", func(t *testing.T) {
		for _, fsync := range []string{"everysec", "always"} {
			server, grow := smallDisk(t, "--appendfsync", fsync)
			o := gateredis.Options{Insecure: gateredis.Insecure{AllowEverysec: true}}
			if fsync == "everysec" { // such a server goes on and answers, if slowly
				o.Timeout = 5 * time.Second
			}
			store := newStore(t, connect(t, alone(server.Addr)), o)
			var l ledger
			if err := fill(t, store, &l, 1<<20); err == nil || fsync == "everysec" && !errors.Is(err, gateredis.ErrDisk) {
				t.Errorf("the error of a full disk = %v, want ErrDisk", err)
			}
			if err := store.Check(t.Context()); err == nil || fsync == "everysec" && !errors.Is(err, gateredis.ErrDisk) {
				t.Errorf("Check of a server with a full disk = %v, want ErrDisk", err)
			}
			grow()
			if fsync == "always" { // such a server ends rather than acknowledge
				server.Kill()
				server.Start()
			}
			holds(t, "F9 redis on a full disk, appendfsync "+fsync, l.audit(t.Context(), store).open())
			if fsync == "everysec" {
				continue
			}
			l = ledger{}
			shrunk, _ := smallDisk(t, "--appendfsync", fsync)
			bad := hasty{newStore(t, connect(t, alone(shrunk.Addr)), gateredis.Options{})}
			_ = fill(t, bad, &l, 14_000)
			shrunk.Start()
			caught(t, "F9", "errors of writes ignored", l.audit(t.Context(), bad).open())
		}
	})
}

// smallDisk starts a server on a disk of 8 MB, and returns how to make it larger. It
// needs root on Linux.
func smallDisk(t *testing.T, args ...string) (server *servers.Redis, grow func()) {
	t.Helper()
	if os.Getuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("a full disk needs root on Linux, to mount one; the test with maxmemory has to do")
	}
	dir := t.TempDir()
	mount := func(option string) error {
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", option, "tmpfs", dir).CombinedOutput(); err != nil {
			return fmt.Errorf("mount: %w: %s", err, out)
		}
		return nil
	}
	if err := mount("size=8m"); err != nil {
		t.Skip("this machine lets nobody mount: ", err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	grow = func() {
		if err := mount("remount,size=64m"); err != nil {
			t.Fatal(err)
		}
	}
	return servers.StartRedisIn(t, dir, append(servers.Durable, args...)...), grow
}
