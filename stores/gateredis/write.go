package gateredis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/stores"
)

// change is one script that changes one key, and the key of the mark of its group.
type change struct {
	key, mark, script string
	more              []string // other keys of the same slot, which the script only reads
	args              []string
	urgent            bool // write even to a full server
	quiet             bool // the key is never cached
}

// script returns the text of a change's script in the form that the server accepts.
func (s *Store) script(c change, text string) string {
	if c.urgent && !s.old.Load() {
		return whenFull + text
	}
	return text
}

// isOld reports whether a server has refused the flags of whenFull, which Redis 6 does
// not know.
func (s *Store) isOld(c change, err error) bool {
	e, ok := rueidis.IsRedisErr(err)
	return c.urgent && ok && strings.Contains(e.Error(), "compiling script") && !s.old.Swap(true)
}

// write makes a change and reads the mark in the same round trip. It returns the result of
// the script. If the store has another epoch, it returns an error, even if the change was
// made.
func (s *Store) write(ctx context.Context, c change) (int64, error) {
	begun := time.Now()
	done, err := s.tryChange(ctx, c)
	if s.writes.note(err, begun) {
		s.emit(ctx, stores.StoreFailing, err)
	}
	return done, err
}

func (s *Store) tryChange(ctx context.Context, c change) (int64, error) {
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return 0, err
	}
	for {
		done, mark, err := s.attempt(ctx, c)
		switch {
		case err == nil:
			if _, err = s.sameEpoch(ctx, k, []string{mark}); err == nil && !c.quiet {
				s.settle(ctx, c.key)
			}
			return done, err
		case s.isOld(c, err):
		case !refused(err) || !pause(ctx):
			return 0, writeError("revoke", err)
		}
	}
}

// attempt sends the script, and then reads and rewrites the mark.
func (s *Store) attempt(ctx context.Context, c change) (done int64, mark string, err error) {
	b := s.client.B()
	commands := []rueidis.Completed{
		b.Eval().Script(s.script(c, c.script)).Numkeys(int64(1 + len(c.more))).Key(c.key).Key(c.more...).Arg(c.args...).Build(),
		b.Eval().Script(s.script(c, touchScript)).Numkeys(1).Key(c.mark).Build(),
	}
	if c.quiet {
		commands[1] = b.Get().Key(c.mark).Build()
	}
	var results []rueidis.RedisResult
	if s.o.Replicas == 0 {
		results = s.client.DoMulti(ctx, commands...)
	} else { // WAIT waits for the writes of its own connection only
		own, release := s.client.Dedicate()
		defer release()
		commands = append(commands, b.Wait().Numreplicas(int64(s.o.Replicas)).Timeout(s.patience(ctx)).Build())
		results = own.DoMulti(ctx, commands...)
	}
	if done, err = results[0].AsInt64(); err != nil {
		return 0, "", err
	}
	if mark, err = text(results[1].ToString()); err != nil {
		return 0, "", err
	}
	if s.o.Replicas > 0 {
		got, err := results[2].AsInt64()
		if err != nil {
			return 0, "", err
		}
		if got < int64(s.o.Replicas) {
			return 0, "", fmt.Errorf("%w: %d of %d", ErrReplicas, got, s.o.Replicas)
		}
	}
	return done, mark, nil
}

// patience returns how many milliseconds WAIT may take. It is a part of the time left, so
// that the server's answer arrives before the deadline.
func (s *Store) patience(ctx context.Context) int64 {
	left := s.o.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return max((left * 3 / 4).Milliseconds(), 1)
}

// settle waits until this process's cache has the change, so that the process sees its own
// revocations at once. It waits at most CacheFor: no older value is in the cache after
// that.
func (s *Store) settle(ctx context.Context, key string) {
	deadline := time.Now().Add(s.o.CacheFor)
	for s.o.CacheFor > 0 && time.Now().Before(deadline) {
		cached, _, err := s.readCached(ctx, []string{key})
		if err != nil {
			return
		}
		fresh, err := s.readFresh(ctx, []string{key})
		if err != nil || cached[0] == fresh[0] {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// refused reports whether the server did nothing and a retry may succeed: a slot is
// moving, a failover is in progress, or the server is loading its data.
func refused(err error) bool {
	e, ok := rueidis.IsRedisErr(err)
	if !ok {
		return false
	}
	_, moved := e.IsMoved()
	_, ask := e.IsAsk()
	return moved || ask || e.IsTryAgain() || e.IsClusterDown() || e.IsLoading() || strings.HasPrefix(e.Error(), "READONLY")
}

// pause waits before another attempt. It returns false if there is no time for one.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(10 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
