//go:build unix

package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A SentinelGroup is a master, its replicas and the sentinels that watch them.
type SentinelGroup struct {
	Name      string // of the master set
	Nodes     []*Redis
	Sentinels []*Redis
}

// Addrs returns the addresses of the sentinels.
func (g *SentinelGroup) Addrs() []string { return addrs(g.Sentinels) }

// Master returns the node that the first sentinel calls the master.
func (g *SentinelGroup) Master() *Redis {
	for _, s := range g.Sentinels {
		out, err := s.TryCLI("SENTINEL", "get-master-addr-by-name", g.Name)
		for _, n := range g.Nodes {
			if err == nil && strings.HasSuffix(out, n.port) {
				return n
			}
		}
	}
	g.Nodes[0].t.Fatal("no sentinel names a master")
	return nil
}

// replicateAtOnce does not wait five seconds for more replicas before it sends the
// data to the first.
var replicateAtOnce = []string{"--repl-diskless-sync-delay", "0"}

// downAfter is when the sentinels and the cluster call a silent node down.
const downAfter = 500 * time.Millisecond

// StartSentinel starts a master with replicas and three sentinels, which agree by
// two that a master is down after half a second of silence.
func StartSentinel(t testing.TB, replicas int, args ...string) *SentinelGroup {
	t.Helper()
	g := &SentinelGroup{Name: "gate"}
	args = append(slices.Clone(args), replicateAtOnce...)
	g.Nodes = append(g.Nodes, StartRedis(t, args...))
	for range replicas {
		g.Nodes = append(g.Nodes, StartRedis(t, append([]string{"--replicaof", "127.0.0.1 " + g.Nodes[0].port}, args...)...))
	}
	for range 3 {
		g.Sentinels = append(g.Sentinels, startSentinel(t, g.Name, g.Nodes[0].port))
	}
	Eventually(t, startTimeout, func() error { return g.complete(replicas) })
	return g
}

func startSentinel(t testing.TB, name, masterPort string) *Redis {
	t.Helper()
	dir := t.TempDir()
	s := newRedis(t, dir)
	s.path = Need(t, "redis-sentinel", "valkey-sentinel")
	conf := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %s 2\n"+
		"sentinel down-after-milliseconds %s %d\nsentinel failover-timeout %s 3000\n",
		s.port, dir, name, masterPort, name, downAfter.Milliseconds(), name)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{conf}
	s.Start()
	return s
}

// complete reports what is missing until every sentinel knows the others and every
// replica, and the replicas are in step.
func (g *SentinelGroup) complete(replicas int) error {
	for _, s := range g.Sentinels {
		out, _ := s.TryCLI("SENTINEL", "master", g.Name)
		fields := strings.Fields(out)
		if field(fields, "num-slaves") != fmt.Sprint(replicas) || field(fields, "num-other-sentinels") != "2" {
			return errors.New("a sentinel does not know all")
		}
	}
	out, _ := g.Nodes[0].TryCLI("INFO", "replication")
	if strings.Count(out, "state=online") != replicas {
		return errors.New("a replica is not online")
	}
	return nil
}

func field(fields []string, name string) string {
	for i := range len(fields) - 1 {
		if fields[i] == name {
			return fields[i+1]
		}
	}
	return ""
}

// A Cluster is a Redis Cluster.
type Cluster struct {
	Nodes []*Redis
}

// Addrs returns the addresses of the nodes.
func (c *Cluster) Addrs() []string { return addrs(c.Nodes) }

// StartCluster starts a cluster of so many masters, each with so many replicas.
func StartCluster(t testing.TB, masters, replicas int, args ...string) *Cluster {
	t.Helper()
	c := new(Cluster)
	args = append(slices.Clone(args), replicateAtOnce...)
	for range masters * (1 + replicas) {
		c.Nodes = append(c.Nodes, StartRedis(t, append([]string{"--cluster-enabled", "yes",
			"--cluster-node-timeout", fmt.Sprint(2 * downAfter.Milliseconds()), "--cluster-config-file", "nodes.conf"}, args...)...))
	}
	create := append([]string{"--cluster", "create"}, c.Addrs()...)
	create = append(create, "--cluster-replicas", fmt.Sprint(replicas), "--cluster-yes")
	if out, err := exec.Command(c.Nodes[0].cli, create...).CombinedOutput(); err != nil {
		t.Fatalf("create cluster: %v\n%s", err, out)
	}
	Eventually(t, startTimeout, func() error { return c.complete(masters, replicas) })
	return c
}

// complete reports what is missing until every node sees the whole cluster, and the
// replicas are in step.
func (c *Cluster) complete(masters, replicas int) error {
	online := 0
	for _, n := range c.Nodes {
		if out, _ := n.TryCLI("CLUSTER", "INFO"); !strings.Contains(out, "cluster_state:ok") {
			return errors.New("a node does not see the cluster as complete")
		}
		nodes, _ := n.TryCLI("CLUSTER", "NODES")
		if strings.Count(nodes, "slave ") != masters*replicas {
			return errors.New("a node does not know all replicas")
		}
		out, _ := n.TryCLI("INFO", "replication")
		online += strings.Count(out, "state=online")
	}
	if online != masters*replicas {
		return errors.New("a replica is not online")
	}
	return nil
}

// Masters returns the nodes that are masters as the given one sees it.
func (c *Cluster) Masters(as *Redis) []*Redis {
	var masters []*Redis
	for _, line := range strings.Split(as.CLI("CLUSTER", "NODES"), "\n") {
		if !strings.Contains(line, "master") || strings.Contains(line, "fail") {
			continue
		}
		for _, n := range c.Nodes {
			if strings.Contains(line, n.Addr+"@") {
				masters = append(masters, n)
			}
		}
	}
	return masters
}

// Reshard moves so many slots from one node to another, as an operator would,
// while the cluster serves.
func (c *Cluster) Reshard(from, to *Redis, slots int) error {
	out, err := exec.Command(from.cli, "--cluster", "reshard", from.Addr,
		"--cluster-from", from.CLI("CLUSTER", "MYID"), "--cluster-to", to.CLI("CLUSTER", "MYID"),
		"--cluster-slots", fmt.Sprint(slots), "--cluster-yes").CombinedOutput()
	if err != nil {
		return fmt.Errorf("reshard: %w: %s", err, out[max(0, len(out)-500):])
	}
	return nil
}

func addrs(nodes []*Redis) []string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.Addr
	}
	return list
}
