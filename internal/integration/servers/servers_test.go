//go:build unix

package servers_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
)

func TestRedisSurvivesKill(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"durable", servers.Durable, "kept"},
		{"forgetful", servers.Forgetful, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := servers.StartRedis(t, tt.args...)
			r.CLI("SET", "k", "kept")
			r.Kill()
			if _, err := r.TryCLI("PING"); err == nil {
				t.Error("a killed server answers")
			}
			r.Start()
			if got := r.CLI("GET", "k"); got != tt.want {
				t.Errorf("after a kill GET = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRedisFreeze(t *testing.T) {
	r := servers.StartRedis(t)
	r.Freeze()
	if _, err := r.TryCLI("PING"); err == nil {
		t.Error("a frozen server answers")
	}
	r.Thaw()
	servers.Eventually(t, time.Minute, func() error { _, err := r.TryCLI("PING"); return err })
}

func TestSentinelFailover(t *testing.T) {
	g := servers.StartSentinel(t, 2, servers.Durable...)
	old := g.Master()
	old.Kill()
	servers.Eventually(t, time.Minute, func() error {
		if g.Master() == old {
			return errors.New("the dead node is still the master")
		}
		return nil
	})
}

func TestClusterReshard(t *testing.T) {
	c := servers.StartCluster(t, 3, 0, servers.Durable...)
	if got := len(c.Masters(c.Nodes[0])); got != 3 {
		t.Fatalf("masters = %d, want 3", got)
	}
	if err := c.Reshard(c.Nodes[0], c.Nodes[1], 10); err != nil {
		t.Error(err)
	}
}

func TestPostgresSurvivesKill(t *testing.T) {
	p := servers.StartPostgres(t)
	p.Kill()
	p.Start()
}

func TestMariaDBSurvivesKill(t *testing.T) {
	m := servers.StartMariaDB(t)
	m.Kill()
	m.Start()
}

func TestRunStartsAnyServer(t *testing.T) {
	node := servers.Need(t, "node")
	addr := fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))
	script := `const [h, p] = process.env.ADDR.split(":"); require("http").createServer((q, a) => a.end("here")).listen(p, h)`
	servers.Run(t, addr, []string{"ADDR=" + addr}, node, "-e", script)
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "here" {
		t.Errorf("got %q", body)
	}
}

// TestKillEndsChildren: what a server has started, like nginx its workers, ends with it.
func TestKillEndsChildren(t *testing.T) {
	servers.Need(t, "node")
	port := servers.FreePort(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	p := servers.Run(t, addr, nil, servers.Need(t, "sh"), "-c", fmt.Sprintf(`node -e 'require("net").createServer().listen(%d, "127.0.0.1")' & wait`, port))
	p.Kill()
	servers.Eventually(t, time.Minute, func() error {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return errors.New("the child still listens")
		}
		return nil
	})
}
