//go:build unix

package servers

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A Redis is one running Redis or Valkey server, or a sentinel.
type Redis struct {
	*Process
	Addr string
	port string
	cli  string
}

// Durable are the arguments of a server that keeps what it acknowledged: an append-only
// file, synced before each answer.
var Durable = []string{"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", ""}

// Everysec are the same for a server that may lose the last two seconds before a crash
// where its disk is slow.
var Everysec = []string{"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--save", ""}

// Forgetful are the arguments of a server that keeps nothing.
var Forgetful = []string{"--appendonly", "no", "--save", "", "--maxmemory-policy", "noeviction"}

// StartRedis starts a server with the given arguments.
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	return StartRedisIn(t, t.TempDir(), args...)
}

// StartRedisIn is StartRedis with the data in a directory of the caller's.
func StartRedisIn(t testing.TB, dir string, args ...string) *Redis {
	t.Helper()
	r := newRedis(t, dir)
	r.path = Need(t, "redis-server", "valkey-server")
	r.args = append([]string{"--port", r.port, "--bind", "127.0.0.1", "--dir", dir, "--daemonize", "no"}, args...)
	r.Start()
	return r
}

func newRedis(t testing.TB, dir string) *Redis {
	port := fmt.Sprint(FreePort(t))
	r := &Redis{port: port, Addr: "127.0.0.1:" + port, cli: Need(t, "redis-cli", "valkey-cli")}
	r.Process = &Process{t: t, dir: dir, log: filepath.Join(dir, "server-"+port+".log"), attr: attributes(), ready: r.ping}
	t.Cleanup(r.Kill)
	return r
}

func (r *Redis) ping() error {
	out, err := r.TryCLI("PING")
	if err == nil && !strings.HasPrefix(out, "PONG") {
		err = errors.New(out)
	}
	return err
}

// CLI runs one command on the server and returns its answer.
func (r *Redis) CLI(args ...string) string {
	r.t.Helper()
	out, err := r.command(startTimeout, args)
	if err != nil {
		r.t.Fatalf("redis-cli %v: %v: %s", args, err, out)
	}
	return out
}

// TryCLI is CLI for a command that may fail, within two seconds.
func (r *Redis) TryCLI(args ...string) (string, error) {
	return r.command(2*time.Second, args)
}

func (r *Redis) command(limit time.Duration, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.cli, append([]string{"-e", "-h", "127.0.0.1", "-p", r.port}, args...)...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
