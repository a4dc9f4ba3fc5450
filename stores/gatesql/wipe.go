package gatesql

import (
	"context"
	"fmt"
	"time"

	"github.com/jwtgate/gate/stores"
)

// AcceptWipe opens a store that every check answers with [stores.ErrWiped], for all
// processes that use its tables with the same scope. An operator calls it after finding
// out why revocations were lost. It makes missing tables, unless Options.NoCreate is
// set, and keeps the entries that are left. Tokens issued before notBefore plus
// Options.Skew count as revoked from now on: with time.Now() everybody has to log in
// again. With the zero time all tokens are accepted, even those that had been revoked.
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
