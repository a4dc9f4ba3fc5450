//go:build unix

package sql_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// races has the sessions of a few subjects, at which many goroutines work at once.
type races struct {
	*testing.T
	s      *gatesql.Store
	counts [stores.SessionRevoked + 1]atomic.Int64
	lowest [6]atomic.Int64 // of each subject: the generation of the last revocation that has returned
}

// TestRotateRaces: rotations, logins, revocations and deletions at once make no error and
// no deadlock. No rotation succeeds for a token that was revoked before, and of two with
// one token only one.
func TestRotateRaces(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		for _, level := range map[gatesql.Dialect][]string{
			gatesql.SQLite:   {""},
			gatesql.Postgres: {"", "&default_transaction_isolation=repeatable%20read", "&default_transaction_isolation=serializable"},
			gatesql.MySQL:    {"", "?tx_isolation='READ-COMMITTED'", "?innodb_snapshot_isolation=1&tx_isolation='SERIALIZABLE'", "?clientFoundRows=true"},
		}[d.dialect] {
			t.Run("database"+level, func(t *testing.T) {
				db := (&database{dialect: d.dialect, driver: d.driver, dsn: d.dsn + level, conns: 32}).open(t)
				x := &races{T: t, s: open(t, db, gatesql.Options{Dialect: d.dialect, Table: newTable(), TrustOlderTokens: true, Timeout: 20 * time.Second})}
				x.run(raceTime)
			})
		}
	})
}

const raceTime = 700 * time.Millisecond

// run has 48 sessions rotated, and all that can get in their way done, for d.
func (x *races) run(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var wg sync.WaitGroup
	for w := range 48 {
		wg.Go(func() {
			for tok := x.login(w); ctx.Err() == nil; {
				tok = x.rotate(w, tok)
			}
		})
	}
	for _, disturb := range []func(i int){x.revokeSubject, x.revokeSubject, x.spare, x.restore, x.revokeAll, x.cleanup, x.cleanup, x.cleanup, x.addOver, x.addOver} {
		wg.Go(func() {
			for ctx.Err() == nil {
				disturb(rand.IntN(len(x.lowest)))
				time.Sleep(rand.N(150 * time.Millisecond)) // so that the rotations have sessions to rotate
			}
		})
	}
	wg.Wait()
	x.Logf("%d rotations, %d replays, %d refusals", x.counts[stores.SessionRotated].Load(), x.counts[stores.SessionReplayed].Load(), x.counts[stores.SessionRevoked].Load())
	for _, o := range []stores.Outcome{stores.SessionRotated, stores.SessionRevoked} {
		if x.counts[o].Load() == 0 {
			x.Errorf("no rotation has the outcome %d", o)
		}
	}
}

func (x *races) ok(err error, what string) {
	x.Helper()
	if err != nil {
		x.Errorf("%s: %v", what, err)
	}
}

func subjectOf(i int) string { return fmt.Sprint("user", i) }

var logins atomic.Int64

// login begins a session and returns its refresh token.
func (x *races) login(w int) *gate.Token {
	i, now := w%len(x.lowest), time.Now().Truncate(time.Second)
	gen, err := x.s.Generation(context.Background(), subjectOf(i))
	x.ok(err, "Generation")
	r := stores.SessionRecord{ID: fmt.Sprint(w, "/", logins.Add(1)), Subject: subjectOf(i), Live: "first", Generation: gen, Issued: now, Expires: now.Add(time.Hour), Idle: time.Hour}
	if _, err := x.s.AddSession(context.Background(), r, stores.SessionLimit{Max: 10, Evict: true}); !errors.Is(err, stores.ErrTooManySessions) {
		x.ok(err, "AddSession")
	}
	return withGeneration(x, time.Now, gate.Token{ID: r.Live, SessionID: r.ID, Subject: r.Subject, IssuedAt: now, Expiry: r.Expires}, gen)
}

// rotate presents a token once or twice at once, and returns the next token.
func (x *races) rotate(w int, tok *gate.Token) *gate.Token {
	times, grace := 1, time.Duration(0)
	if rand.IntN(8) == 0 {
		times, grace = 2, time.Minute
	}
	gen, _ := tok.Generation()
	revoked := gen < x.lowest[w%len(x.lowest)].Load()
	outs := make([]stores.Rotated, times)
	var wg sync.WaitGroup
	for k := range outs {
		wg.Go(func() {
			var err error
			outs[k], err = x.s.Rotate(context.Background(), stores.Rotation{Token: tok, Grace: grace})
			x.ok(err, "Rotate")
			x.counts[outs[k].Outcome].Add(1)
		})
	}
	wg.Wait()
	switch first, last := outs[0].Outcome, outs[times-1].Outcome; {
	case revoked && first <= stores.SessionAdopted:
		x.Errorf("outcome %d for a token that was revoked before", first)
	case times == 2 && first == stores.SessionRotated && last == stores.SessionRotated:
		x.Error("two rotations of one token")
	case max(first, last) == stores.SessionReused:
		x.Error("the session was ended though its newest token was presented")
	case times == 2 || first > stores.SessionAdopted:
		return x.login(w)
	}
	next := *tok
	next.ID = storekit.Successor(tok.SessionID, tok.ID)
	return &next
}

// covered calls revoke, and notes that all tokens of generations before are revoked.
func (x *races) covered(i int, revoke func() error) {
	gen, err := x.s.Generation(context.Background(), subjectOf(i))
	x.ok(err, "Generation")
	x.ok(revoke(), "revoking")
	for i != 0 { // whose revocations are undone
		old := x.lowest[i].Load()
		if gen < old || x.lowest[i].CompareAndSwap(old, gen+1) {
			return
		}
	}
}

func (x *races) revokeSubject(i int) {
	x.covered(i, func() error {
		return x.s.RevokeSubject(context.Background(), subjectOf(i), stores.SubjectOptions{}, stores.Note{})
	})
	if rand.IntN(2) == 0 {
		x.ok(x.s.RemoveRevoked(context.Background(), subjectOf(i)), "RemoveRevoked")
	}
}

func (x *races) spare(i int) {
	list, err := x.s.Sessions(context.Background(), subjectOf(i))
	x.ok(err, "Sessions")
	if len(list) < 2 {
		return
	}
	x.ok(x.s.RevokeSubject(context.Background(), subjectOf(i), stores.SubjectOptions{ExceptSession: list[0].ID}, stores.Note{}), "RevokeSubject, except one")
	_, err = x.s.RemoveSession(context.Background(), subjectOf(i), list[1].ID)
	x.ok(err, "RemoveSession")
}

func (x *races) restore(int) {
	x.ok(x.s.RestoreSubject(context.Background(), subjectOf(0)), "RestoreSubject")
}

func (x *races) revokeAll(i int) {
	if rand.IntN(4) != 0 {
		return
	}
	x.covered(i, func() error { return x.s.RevokeAll(context.Background(), stores.Note{}) })
}

func (x *races) cleanup(int) {
	_, err := x.s.Cleanup(context.Background())
	x.ok(err, "Cleanup")
}

// addOver adds a session that cleanup deletes.
func (x *races) addOver(i int) {
	r := stores.SessionRecord{ID: fmt.Sprint("over", logins.Add(1)), Subject: subjectOf(i), Live: "first", Issued: time.Now(), End: time.Now().Add(-10 * time.Minute)}
	_, err := x.s.AddSession(context.Background(), r, stores.SessionLimit{})
	x.ok(err, "AddSession, of a session that is over")
}
