package gateredis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

const (
	recheck = time.Minute // of a store that was found good
	retry   = time.Second // of one that was not
)

// state is what is known of the server.
type state struct {
	epoch *epoch
	err   error     // why the store is closed
	next  time.Time // when to look again
}

// ready returns the epoch that the store is in. The first call looks at the server;
// later ones do once a minute, in passing, while others go on.
func (s *Store) ready(ctx context.Context, now time.Time) (*epoch, error) {
	st := s.state.Load()
	if st.fresh(now) {
		return st.epoch, st.err
	}
	if st != nil && st.epoch != nil && st.err == nil {
		select {
		case s.busy <- struct{}{}:
		default:
			return st.epoch, nil
		}
	} else if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	if st = s.state.Load(); !st.fresh(time.Now()) {
		st = s.look(ctx, st)
	}
	return st.epoch, st.err
}

func (st *state) fresh(now time.Time) bool { return st != nil && now.Before(st.next) }

func (s *Store) lock(ctx context.Context) error {
	select {
	case s.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gateredis: %w", ctx.Err())
	}
}

func (s *Store) unlock() { <-s.busy }

// look examines the server and keeps what it finds. A server that does not answer
// changes nothing: the caller's own commands will fail by themselves.
func (s *Store) look(ctx context.Context, old *state) *state {
	next := new(state)
	if old != nil {
		next.epoch = old.epoch
	}
	next.err = s.examine(ctx)
	if next.err == nil && next.epoch == nil {
		next.epoch, next.err = s.findEpoch(ctx)
	}
	switch {
	case next.err == nil:
		next.next = time.Now().Add(recheck)
	case errors.Is(next.err, ErrUnsafe), errors.Is(next.err, stores.ErrWiped):
		next.next = time.Now().Add(retry)
	case next.epoch == nil:
		return next // not kept: the next caller looks again
	default:
		next.err, next.next = nil, time.Now().Add(retry)
	}
	s.state.Store(next)
	return next
}

// Check looks at the server's settings and at the epoch's marks, and returns what is
// wrong: [ErrUnsafe], [stores.ErrWiped], or the server's own error. Call it at
// start-up, where a mistake is found early, and from a health check.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if st := s.state.Load(); st != nil {
		s.state.CompareAndSwap(st, &state{epoch: st.epoch, err: st.err}) // due
	}
	if err := s.examine(ctx); err != nil {
		return err
	}
	e, err := s.ready(ctx, time.Now())
	if err != nil {
		return err
	}
	marks, err := s.readFresh(ctx, s.markKeys())
	if err != nil {
		return fmt.Errorf("gateredis: epoch: %w", err)
	}
	_, err = s.sameEpoch(e, marks)
	return err
}

// Ready is [Store.Check], and an error if the store would forget revocations while the
// gate still accepts their tokens.
func (s *Store) Ready(ctx context.Context, n gate.Needs) error {
	if err := s.keep.Fits(n); err != nil {
		return fmt.Errorf("gateredis: %w", err)
	}
	return s.Check(ctx)
}

// examine refuses a server whose settings may lose entries. On a Cluster it asks every
// node, replicas too, as each may become a master. A node that does not answer is left
// for the next time, unless none does.
func (s *Store) examine(ctx context.Context) error {
	if s.o.Insecure.SkipServerCheck {
		return nil
	}
	nodes := s.client.Nodes()
	var silence error
	answered, left := 0, len(nodes)
	for _, node := range nodes {
		err := s.examineInTime(ctx, node, left+1)
		left--
		switch {
		case err == nil:
			answered++
		case errors.Is(err, ErrUnsafe):
			return err
		default:
			silence = err
		}
	}
	if answered == 0 {
		return silence
	}
	return nil
}

// examineInTime gives a node its share of the time there is.
func (s *Store) examineInTime(ctx context.Context, node rueidis.Client, shares int) error {
	if deadline, ok := ctx.Deadline(); ok {
		share, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
		ctx = share
	}
	return s.examineNode(ctx, node)
}

func (s *Store) examineNode(ctx context.Context, node rueidis.Client) error {
	var info string
	for _, r := range node.DoMulti(ctx, node.B().Info().Section("memory").Build(), node.B().Info().Section("persistence").Build()) {
		part, err := r.ToString()
		if err != nil {
			return infoError("INFO", err)
		}
		info += part + "\n"
	}
	if policy := infoField(info, "maxmemory_policy"); policy != "noeviction" && !s.o.Insecure.AllowEviction {
		return fmt.Errorf("%w: maxmemory-policy is %q and must be noeviction, or Insecure.AllowEviction be set", ErrUnsafe, policy)
	}
	if infoField(info, "aof_enabled") == "1" || s.o.Insecure.AllowNoPersistence {
		return nil
	}
	if !s.o.Insecure.AllowSnapshots {
		return fmt.Errorf("%w: appendonly is off; set it to yes, or Insecure.AllowSnapshots or AllowNoPersistence", ErrUnsafe)
	}
	config, err := node.Do(ctx, node.B().ConfigGet().Parameter("save").Build()).AsStrMap()
	if err != nil {
		return infoError("CONFIG", err)
	}
	if config["save"] == "" {
		return fmt.Errorf("%w: there are neither appendonly nor snapshots (save); set one, or Insecure.AllowNoPersistence", ErrUnsafe)
	}
	return nil
}

// infoError tells a server that forbids to be asked from one that does not answer.
func infoError(command string, err error) error {
	if e, ok := rueidis.IsRedisErr(err); ok && (strings.HasPrefix(e.Error(), "NOPERM") || strings.Contains(e.Error(), "unknown command")) {
		return fmt.Errorf("%w: it forbids %s, so its settings are unknown; see Insecure.SkipServerCheck", ErrUnsafe, command)
	}
	return fmt.Errorf("gateredis: server check: %w", err)
}

// infoField finds a line "name:value".
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
