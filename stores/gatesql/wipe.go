package gatesql

import (
	"context"
	"fmt"
	"time"

	"github.com/jwtgate/gate/stores"
)

// AcceptWipe opens a store that is closed by [stores.ErrWiped], for all processes that
// use its tables under the same scope: an operator has seen that it lost what was
// revoked, and decided. Tables that are missing are made, unless Options.NoCreate is
// set; entries that are left stay. Tokens issued before notBefore, or in the Skew after
// it, are revoked from now on, so time.Now() lets everybody log in again; with the zero
// time they are accepted, those that had been revoked as well.
func (s *Store) AcceptWipe(ctx context.Context, notBefore time.Time) error {
	if err := s.acceptWipe(ctx, notBefore); err != nil {
		return fmt.Errorf("gatesql: accepting the wipe: %w", err)
	}
	s.event(ctx, stores.StoreReopened, nil)
	return nil
}

func (s *Store) acceptWipe(ctx context.Context, notBefore time.Time) error {
	d := s.definitions()
	there, err := s.has(ctx, s.o.Table)
	if err == nil && there {
		there, err = s.has(ctx, s.o.Table+"_sessions")
	}
	if err != nil {
		return err
	}
	if !there && !s.o.NoCreate {
		if m, err := s.readMeta(ctx, s.db); err == nil && m.level > levelEmpty {
			if _, err := s.db.ExecContext(ctx, d.setLevel(levelEmpty)); err != nil {
				return err
			}
		}
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	born := int64(0)
	if !notBefore.IsZero() {
		born = max(notBefore.Unix(), 1)
	}
	if s.o.Dialect == MySQL {
		for lane := range lanes {
			if _, err := s.db.ExecContext(ctx, d.insertLane(lane)); err != nil {
				return err
			}
		}
	}
	if err := s.writeSentinel(ctx, s.db, born, true); err != nil {
		return err
	}
	m, err := s.readMeta(ctx, s.db)
	if err != nil {
		return err
	}
	return s.readEpoch(ctx, m)
}
