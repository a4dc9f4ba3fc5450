//go:build unix

package faults_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// process is one of three that share a store.
type process struct {
	t      *testing.T
	client rueidis.Client
	o      gateredis.Options
	store  *gateredis.Store
}

func (p *process) start() {
	s, err := gateredis.New(p.client, p.o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.store = s
}

// TestWipeAndAccept empties a server, restarts some of three processes, and has one of
// them accept the wipe, in all orders. Before, nobody lets a revoked token in. After,
// all are open for new logins, those started later as well.
func TestWipeAndAccept(t *testing.T) {
	server := servers.StartRedis(t, servers.Durable...)
	client := connect(t, alone(server.Addr))
	in, shut := finding{what: "checks let a revoked token in"}, finding{what: "processes stayed closed after AcceptWipe"}
	for _, names := range [][3]string{{}, {"prod-1", "prod-1", "prod-1"}, {"", "prod-1", ""}} {
		for restarted := range 8 {
			for acceptor := range 3 {
				r := wipeRound{t: t, server: server, restarted: restarted, acceptor: acceptor}
				for i := range r.all {
					o := gateredis.Options{Epoch: names[i], Timeout: 5 * time.Second}
					o.Scope = stores.NewScope(fmt.Sprintf("wipe %v %d %d", names, restarted, acceptor))
					r.all[i] = process{t: t, client: client, o: o}
				}
				a, b := r.run()
				in.add(a)
				shut.add(b)
			}
		}
	}
	holds(t, "F22 wipe, before AcceptWipe", in)
	holds(t, "F22 wipe, after AcceptWipe", shut)
}

type wipeRound struct {
	t         *testing.T
	server    *servers.Redis
	restarted int // a bit for each process
	acceptor  int
	all       [3]process
}

func (r *wipeRound) run() (in, shut finding) {
	in.what, shut.what = "checks let a revoked token in", "processes stayed closed after AcceptWipe"
	for i := range r.all {
		r.all[i].start()
	}
	begin := r.all[0].store
	if r.all[1].o.Epoch != "" { // such a store begins with an operator's word
		begin = r.all[1].store
		r.accept(begin)
	}
	revoked := newToken()
	if err := begin.RevokeToken(r.t.Context(), revoked, stores.Note{}); err != nil {
		r.t.Fatal(err)
	}
	for i := range r.all {
		if blocked, err := r.all[i].store.Blocked(r.t.Context(), revoked); !blocked || err != nil {
			r.t.Fatalf("before the wipe, process %d: %v, %v", i, blocked, err)
		}
	}
	r.server.CLI("FLUSHALL")
	for i := range r.all {
		if r.restarted&(1<<i) != 0 {
			r.all[i].start()
		}
		in.of++
		if blocked, err := r.all[i].store.Blocked(r.t.Context(), revoked); !blocked && err == nil {
			in.bad++
		}
	}
	r.accept(r.all[r.acceptor].store)
	late := r.all // started after the decision
	for i := range late {
		late[i].start()
	}
	for _, p := range append(r.all[:], late[:]...) {
		shut.of++
		var gen int64
		var err error
		for range 300 { // a process that is closed looks again after a second
			if gen, err = p.store.Generation(r.t.Context(), "newcomer"); err == nil {
				_, err = p.store.Blocked(r.t.Context(), newToken())
			}
			if err == nil || !nap(r.t.Context(), 10*time.Millisecond) {
				break
			}
		}
		if err != nil || gen == 0 {
			r.t.Logf("restarted %03b, acceptor %d, epoch %q: %v", r.restarted, r.acceptor, p.o.Epoch, err)
			shut.bad++
		}
		in.of++
		if blocked, err := p.store.Blocked(r.t.Context(), revoked); !blocked && err == nil {
			in.bad++
		}
	}
	return in, shut
}

func (r *wipeRound) accept(s *gateredis.Store) {
	if err := s.AcceptWipe(r.t.Context(), time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

// TestReplica: a replica is not a master, at start and later, and neither is a server
// that takes no writes.
func TestReplica(t *testing.T) {
	g := servers.StartSentinel(t, 1, servers.Durable...)
	replica := connect(t, alone(g.Nodes[1].Addr))
	f := finding{what: "checks answered by a server that is no master"}
	expect := func(s *gateredis.Store, within time.Duration, want error, when string) {
		t.Helper()
		f.of++
		deadline := time.Now().Add(within)
		for {
			_, err := s.Blocked(t.Context(), newToken())
			if errors.Is(err, want) {
				return
			}
			if time.Now().After(deadline) {
				f.bad++
				t.Errorf("%s: error = %v, want %v", when, err, want)
				return
			}
			nap(t.Context(), 10*time.Millisecond)
		}
	}
	open := func(c rueidis.Client, o gateredis.Options) *gateredis.Store {
		o.TrustOlderTokens, o.Timeout = true, 5*time.Second
		return must(gateredis.New(c, o))
	}
	master := open(connect(t, alone(g.Nodes[0].Addr)), gateredis.Options{})
	expect(master, 0, nil, "the master")
	expect(open(replica, gateredis.Options{}), 0, stores.ErrReadOnly, "a replica at start")
	expect(open(replica, gateredis.Options{Insecure: gateredis.Insecure{AllowReplica: true}}), 0, nil, "a replica, allowed")

	reads := must(rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{g.Nodes[0].Addr}, Standalone: rueidis.StandaloneOption{ReplicaAddress: []string{g.Nodes[1].Addr}},
		SendToReplicas: func(cmd rueidis.Completed) bool { return cmd.IsReadOnly() },
	}))
	t.Cleanup(reads.Close)
	expect(open(reads, gateredis.Options{}), 0, stores.ErrReadOnly, "a client that reads from replicas")

	alive := servers.StartRedis(t, servers.Durable...)
	demoted := open(connect(t, alone(alive.Addr)), gateredis.Options{})
	expect(demoted, 0, nil, "a master")
	alive.CLI("REPLICAOF", "127.0.0.1", "1") // whose master is not there
	expect(demoted, 3*time.Second, stores.ErrReadOnly, "a master that becomes a replica")
	alive.CLI("REPLICAOF", "NO", "ONE")
	expect(demoted, 3*time.Second, nil, "a replica that becomes a master")
	holds(t, "F21 replica, at start and later", f)
	if blocked, err := (naive{replica}).Blocked(t.Context(), newToken()); blocked || err != nil {
		t.Errorf("a store that does not look: %v, %v", blocked, err)
	}
}
