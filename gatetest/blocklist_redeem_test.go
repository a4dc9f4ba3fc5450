package gatetest_test

import (
	"context"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// plantedOnce are faults of Redeem and RevokeAll.
var plantedOnce = []plantedFault{
	{"redeems what was revoked", "redeem", func() broken {
		return broken{redeem: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			_, err := s.Redeem(ctx, t, none)
			return err == nil, err
		}}
	}},
	{"redeems without revoking", "redeem", func() broken {
		return broken{redeem: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			first, err := s.Redeem(ctx, t, none)
			if err == nil {
				_ = s.RestoreToken(ctx, t.ID)
			}
			return first, err
		}}
	}},
	{"redeems in two steps", "redeem at once", func() broken {
		return broken{redeem: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			blocked, err := s.Blocked(ctx, t)
			if err != nil {
				return false, err
			}
			time.Sleep(time.Millisecond) // the window of the fault
			return !blocked, s.RevokeToken(ctx, t, none)
		}}
	}},
	{"revokes all of one subject", "revoke all", func() broken {
		return broken{revokeAll: func(s stores.Store, ctx context.Context) error {
			return s.RevokeSubject(ctx, "alice", stores.SubjectOptions{}, none)
		}}
	}},
	{"forgets that all was revoked", "revoke all", func() broken {
		return broken{revokeAll: func(_ stores.Store, ctx context.Context) error { return ctx.Err() }}
	}},
}
