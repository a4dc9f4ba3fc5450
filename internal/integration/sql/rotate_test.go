//go:build unix

package sql_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// rotations writes random records into the tables of a store, and knows by the rules of
// storekit what a rotation has to do with them.
type rotations struct {
	t     *testing.T
	db    *sql.DB
	o     gatesql.Options
	s     *gatesql.Store
	keep  storekit.Keep
	now   time.Time
	floor int64
	born  time.Time
	r     *rand.Rand
}

// TestRotateByRules: whatever records of a session and of its subject the tables have, a
// rotation ends as the rules of storekit say, and leaves the record that they say.
func TestRotateByRules(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		for _, trust := range []bool{true, false} {
			t.Run(fmt.Sprintf("trust=%v", trust), func(t *testing.T) { rotateByRules(t, d, trust) })
		}
	})
}

func rotateByRules(t *testing.T, d *database, trust bool) {
	c := gatetest.NewClock()
	o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, ServerClock: c.Now, TrustOlderTokens: trust, Leeway: time.Minute, Skew: 2 * time.Second, Timeout: 20 * time.Second}
	db := d.open(t)
	open(t, db, o)
	now := c.Now().UTC()
	x := &rotations{t: t, db: db, o: o, now: now, floor: now.Add(-time.Hour).UnixMicro(), born: now.Add(-time.Hour).Truncate(time.Second), r: rand.New(rand.NewPCG(1, 2))}
	exec(t, db, fmt.Sprintf("UPDATE %s SET before_at = %d, gen = %d WHERE kind = 'epoch'", o.Table, x.born.Unix(), x.floor))
	x.s = open(t, db, o) // which knows that epoch
	var err error
	if x.keep, err = (storekit.Keep{Leeway: o.Leeway, Skew: o.Skew}).WithDefaults(); err != nil {
		t.Fatal(err)
	}
	seen := map[stores.Outcome]int{}
	for i := range 120 {
		seen[x.try(fmt.Sprint("user", i))]++
	}
	for outcome := stores.SessionRotated; outcome <= stores.SessionGone; outcome++ {
		if seen[outcome] == 0 {
			t.Errorf("outcome %d: not among the random records: %v", outcome, seen)
		}
	}
}

// one picks one of a list.
func one[T any](x *rotations, list ...T) T { return list[x.r.IntN(len(list))] }

// generation is one of a few, so that those of tokens and records are often the same.
func (x *rotations) generation() int64 {
	return one(x, 0, x.floor-5, x.floor-1, x.floor, x.floor+1, x.floor+5)
}

func (x *rotations) instant() time.Time {
	return one(x, x.born.Add(-time.Minute), x.born, x.born.Add(time.Minute), x.now.Add(-time.Minute)).Truncate(time.Second)
}

// subject returns a record, and writes it unless there is none.
func (x *rotations) subject(subject, session string) storekit.SubjectRecord {
	if one(x, 0, 1, 2) == 0 {
		return storekit.SubjectRecord{}
	}
	except := storekit.HashID(stores.Session, "", session)
	r := storekit.SubjectRecord{Generation: x.generation(), Before: one(x, 0, x.instant().Unix()), Except: one(x, "", except, except, except[1:])}
	r.AllGeneration, r.AllBefore = min(r.Generation, x.generation()), one(x, 0, r.Before)
	if r.Except == "" {
		r.AllGeneration, r.AllBefore = r.Generation, r.Before
	}
	undone, until := one(x, 0, 0, 0, 1), one(x, x.now.Add(time.Hour), x.now.Add(time.Hour), x.now.Add(-time.Hour))
	exec(x.t, x.db, fmt.Sprintf("INSERT INTO %s (id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why, gen, all_gen) "+
		"VALUES ('%s', 'subject', 0, %d, %d, %d, %d, %d, '%s', '', '', %d, %d)", x.o.Table, storekit.HashID(stores.Subject, "", subject),
		until.Unix(), undone, 1+x.r.IntN(1000), r.Before, r.AllBefore, r.Except, r.Generation, r.AllGeneration))
	if undone != 0 || until.Before(x.now) {
		return storekit.SubjectRecord{}
	}
	return r
}

// session writes the record of a session and returns it, with a token for it.
func (x *rotations) session(subject string) (stores.SessionRecord, *gate.Token) {
	r := stores.SessionRecord{ID: "s " + subject, Subject: subject, Live: storekit.Successor("s "+subject, "before"), Idle: time.Hour, Generation: one(x, stores.NoGeneration, x.generation()),
		Issued: x.instant(), End: one(x, time.Time{}, x.now.Add(9*time.Hour).Truncate(time.Second))}
	r.Expires = one(x, time.Time{}, x.now.Add(time.Hour), x.now.Add(-10*time.Second), x.now.Add(-time.Hour)).Truncate(time.Second)
	if r.Expires.Before(time.Unix(0, 0)) {
		r.Expires = time.Time{}
	}
	if _, err := x.s.AddSession(x.t.Context(), r, stores.SessionLimit{}); err != nil {
		x.t.Fatal(err)
	}
	r, _ = storekit.NewSession(r, x.now)
	r.GraceEnd, r.Ended = one(x, time.Time{}, x.now.Add(time.Minute), x.now.Add(-time.Minute)), one(x, time.Time{}, time.Time{}, time.Time{}, x.now.Add(-time.Minute))
	exec(x.t, x.db, fmt.Sprintf("UPDATE %s_sessions SET grace = %d, ended = %d WHERE subject = '%s'", x.o.Table,
		storekit.Micros(r.GraceEnd), storekit.Micros(r.Ended), storekit.HashID(stores.Subject, "", subject)))
	tok := &gate.Token{Subject: subject, SessionID: one(x, r.ID, r.ID, r.ID, r.ID, r.ID, "other"),
		ID:       one(x, r.Live, r.Live, r.Live, "before", "earlier", storekit.Successor(r.ID, r.Live)),
		IssuedAt: one(x, r.Issued, time.Time{}, x.instant()), Expiry: r.Expires}
	if gen := one(x, r.Generation, x.generation()); gen != stores.NoGeneration {
		tok = withGeneration(x.t, x.o.Clock, *tok, gen)
	}
	return r, tok
}

// withGeneration returns a token like t that has the claim "gen".
func withGeneration(t testing.TB, clock func() time.Time, like gate.Token, gen int64) *gate.Token {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Clock: clock, Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}}})
	if err != nil {
		t.Fatal(err)
	}
	text := gatetest.ClockAt(clock()).Token(t, key, map[string]any{"sub": like.Subject, "gen": gen, "jti": "x"})
	tok, err := g.Decode(t.Context(), text, gate.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tok.SessionID, tok.ID, tok.IssuedAt, tok.Expiry = like.SessionID, like.ID, like.IssuedAt, like.Expiry
	return tok
}

// try makes one rotation and compares it with the rules.
func (x *rotations) try(subject string) stores.Outcome {
	old, tok := x.session(subject)
	record := x.subject(subject, old.ID)
	rotation := stores.Rotation{Token: tok, Grace: 10 * time.Second}
	presented := storekit.Presented(old, tok)
	older := !x.o.TrustOlderTokens && presented.Generation < x.floor && (presented.Issued.IsZero() || !presented.Issued.After(x.born.Add(x.keep.Skew)))
	floor := x.floor
	if x.o.TrustOlderTokens {
		floor = 0
	}
	covered := !record.Predates(presented.Generation, floor) && record.CoversSession(presented, storekit.HashID(stores.Session, "", old.ID)) || older
	want, changed := storekit.Rotate(old, rotation, covered, x.now)
	if tok.SessionID != old.ID || x.keep.SessionOver(old, x.now) {
		want, changed = stores.Rotated{Outcome: stores.SessionGone}, false
	}
	got, err := x.s.Rotate(x.t.Context(), rotation)
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		x.t.Errorf("%s: Rotate = %+v, %v; want %+v\nof %+v\nwith %+v\nby %+v", subject, got, err, want, old, record, presented)
	}
	left := old
	if changed {
		left = want.Session
	}
	is := text(x.t, x.db, fmt.Sprintf("SELECT live, issued, expires, seen, grace, ended FROM %s_sessions WHERE subject = '%s'", x.o.Table, storekit.HashID(stores.Subject, "", subject)))
	if ought := fmt.Sprintln(left.Live, storekit.Seconds(left.Issued), storekit.Seconds(left.Expires), storekit.Micros(left.Seen), storekit.Micros(left.GraceEnd), storekit.Micros(left.Ended), ""); is != ought[:len(ought)-1]+"\n" {
		x.t.Errorf("%s: outcome %d leaves the record %q, want %q", subject, want.Outcome, is, ought)
	}
	return want.Outcome
}
