package gateredis

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// redeemScript writes ARGV[1] for ARGV[3] milliseconds and returns 1, unless there is an
// entry that is live at ARGV[2]. 0 milliseconds means for ever.
const redeemScript = `local old = redis.call('GET', KEYS[1])
if old then
  local has = tonumber(string.match(old, '^%d+'))
  if not has then return redis.error_reply('ERR not an entry of gateredis') end
  if has == 0 or has > tonumber(ARGV[2]) then return 0 end
end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end
return 1`

// Redeem revokes t and reports whether this call was the first that did: see
// [stores.Store].
func (s *Store) Redeem(ctx context.Context, t *gate.Token, n stores.Note) (first bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("gateredis: %w", err)
	}
	if t == nil || t.ID == "" {
		return false, fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	now := s.now()
	until := s.keep.UntilRevoked(t, now)
	if !storekit.Live(until, now) {
		return false, fmt.Errorf("gateredis: %w", stores.ErrForgotten)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	hash := storekit.HashID(stores.Token, storekit.IssuerScope(s.o.Scope.Text(), t.VerifiedIssuer()), t.RevocationID())
	e := entry{until: until, at: now.Unix(), note: storekit.CleanNote(n)}
	done, err := s.write(ctx, change{
		key: s.key(stores.Token, hash), mark: s.markKey(s.tag(hash)), script: redeemScript,
		args: []string{e.encode(stores.Token), number(now.Unix()), number(ttl(until, now))},
	})
	return done == 1 && err == nil, err
}

// RevokeAll revokes all tokens of all subjects: see [stores.Store]. It begins a new epoch
// for all processes that use the store with this prefix and scope. Like RevokeSubject it
// writes twice. The note is not kept.
func (s *Store) RevokeAll(ctx context.Context, _ stores.Note) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gateredis: %w", err)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	for range 2 {
		if err := s.revokeAll(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) revokeAll(ctx context.Context) error {
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return err
	}
	marks, err := s.readFresh(ctx, s.allMarks())
	if err != nil {
		return fmt.Errorf("gateredis: revoke all: %w", err)
	}
	old, err := s.sameEpoch(ctx, k, marks)
	if err != nil {
		return err
	}
	now, err := s.serverTime(ctx)
	if err != nil {
		return err
	}
	next := &epoch{name: rand.Text(), begun: max(now.UnixMicro(), old.begun+1), how: byOperator}
	s.startAt(next, s.now(), now)
	next.base = storekit.NextGeneration(old.base, now.Add(s.keep.Skew))
	if err := s.setAll(ctx, s.allMarks(), next.mark(), true); err != nil {
		return err
	}
	if k, err = s.ready(ctx, time.Now()); err == nil {
		_, err = s.sameEpoch(ctx, k, []string{next.mark()})
	}
	return err
}
