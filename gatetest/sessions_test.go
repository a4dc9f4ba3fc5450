package gatetest_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/storekit"
)

// plain is a good store of sessions beside a good blocklist, with a fault planted in it.
type plain struct {
	*gatemem.Store
	clock   func() time.Time
	fault   sessionFault
	mu      sync.Mutex
	records map[string]stores.SessionRecord // by subject and ID
	all     int64                           // the generation of RevokeAll
}

type judge = func(s stores.SessionRecord, r stores.Rotation, covered bool, now time.Time) (stores.Rotated, bool)

// sessionFault bends one thing. check is the check that has to see it.
type sessionFault struct {
	name, check string
	judge       func(good judge) judge
	record      func(*stores.SessionRecord)       // as it is added
	subject     func(string) string               // whose sessions they are
	covers      func(p *plain, covered bool) bool // what the subject's record covers
	remove      func(p *plain, covered bool) bool // what RemoveRevoked removes
	rotate      func(p *plain, r stores.Rotation) // before the step
	limit       func(*stores.SessionLimit)        // as it is asked for
	ended       func([]string) []string           // as AddSession returns it
	torn        bool                              // finding and writing are two steps
	deaf        bool                              // contexts are not looked at
}

func newPlain(t *testing.T, clock func() time.Time, fault sessionFault) *plain {
	m, err := gatemem.New(gatemem.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return &plain{Store: m, clock: clock, fault: fault, records: map[string]stores.SessionRecord{}}
}

func (p *plain) alive(ctx context.Context, subject string) error {
	if err := ctx.Err(); err != nil && !p.fault.deaf {
		return err
	}
	if subject == "" {
		return stores.ErrNoID
	}
	return nil
}

func (p *plain) key(subject, id string) string {
	if p.fault.subject != nil {
		subject = p.fault.subject(subject)
	}
	return subject + "\x00" + id
}

func (p *plain) covered(r stores.SessionRecord) bool {
	e, ok, err := p.Entry(bg, stores.Subject, r.Subject)
	if err != nil {
		panic(err)
	}
	record := storekit.SubjectRecord{Generation: e.Generation, AllGeneration: e.AllGeneration, Except: e.ExceptSession}
	if ok {
		record.Before = e.Before.Unix()
	}
	if !e.AllBefore.IsZero() {
		record.AllBefore = e.AllBefore.Unix()
	}
	covered := ok && record.CoversSession(r, storekit.HashID(stores.Session, "", r.ID)) || p.all != 0 && r.Generation < p.all
	if p.fault.covers != nil {
		return p.fault.covers(p, covered)
	}
	return covered
}

// list returns the records of a subject that are not over, with the lock held.
func (p *plain) list(subject string) []stores.SessionRecord {
	var list []stores.SessionRecord
	for key, r := range p.records {
		if strings.HasPrefix(key, p.key(subject, "")) && !(storekit.Keep{Leeway: storekit.DefaultLeeway}).SessionOver(r, p.clock()) {
			list = append(list, r)
		}
	}
	storekit.SortSessions(list)
	return list
}

func (p *plain) open(subject string) (list []stores.SessionRecord) {
	for _, r := range p.list(subject) {
		if !p.covered(r) {
			list = append(list, r)
		}
	}
	return list
}

func (p *plain) AddSession(ctx context.Context, r stores.SessionRecord, l stores.SessionLimit) (ended []string, err error) {
	if err := p.alive(ctx, r.Subject); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, err = storekit.NewSession(r, p.clock()); err != nil {
		return nil, err
	}
	if p.fault.record != nil {
		p.fault.record(&r)
	}
	if p.fault.limit != nil {
		p.fault.limit(&l)
	}
	if _, there := p.records[p.key(r.Subject, r.ID)]; there {
		return nil, stores.ErrSessionID
	}
	end, refused := storekit.LimitSessions(append([]stores.SessionRecord{r}, p.open(r.Subject)...), l, p.clock())
	if refused {
		return nil, stores.ErrTooManySessions
	}
	for _, id := range end {
		old := p.records[p.key(r.Subject, id)]
		old.Ended = p.clock()
		p.records[p.key(r.Subject, id)] = old
	}
	for _, old := range p.list(r.Subject) {
		if !old.Ended.IsZero() {
			ended = append(ended, old.ID)
		}
	}
	p.records[p.key(r.Subject, r.ID)] = r
	if p.fault.ended != nil {
		ended = p.fault.ended(end)
	}
	return ended, nil
}

func (p *plain) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	if err := storekit.CheckRotation(r); err != nil {
		return stores.Rotated{}, err
	}
	subject := storekit.SubjectOf(r.Token)
	if err := p.alive(ctx, subject); err != nil {
		return stores.Rotated{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault.rotate != nil {
		p.fault.rotate(p, r)
	}
	key := p.key(subject, r.Token.SessionID)
	record, ok := p.records[key]
	if !ok || (storekit.Keep{Leeway: storekit.DefaultLeeway}).SessionOver(record, p.clock()) {
		return stores.Rotated{Outcome: stores.SessionGone}, nil
	}
	asToken := record
	asToken.Issued, asToken.Generation = r.Token.IssuedAt, stores.NoGeneration
	if gen, ok := r.Token.Generation(); ok {
		asToken.Generation = gen
	}
	step := storekit.Rotate
	if p.fault.judge != nil {
		step = p.fault.judge(step)
	}
	out, changed := step(record, r, p.covered(asToken), p.clock())
	if p.fault.torn {
		p.mu.Unlock()
		time.Sleep(time.Millisecond) // the window of the fault
		p.mu.Lock()
	}
	if changed {
		p.records[key] = out.Session
	}
	return out, nil
}

func (p *plain) Sessions(ctx context.Context, subject string) ([]stores.SessionRecord, error) {
	if err := p.alive(ctx, subject); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open(subject), nil
}

func (p *plain) RemoveSession(ctx context.Context, subject, id string) (bool, error) {
	if err := p.alive(ctx, subject); err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r, there := p.records[p.key(subject, id)]
	delete(p.records, p.key(subject, id))
	return there && !(storekit.Keep{Leeway: storekit.DefaultLeeway}).SessionOver(r, p.clock()), nil
}

func (p *plain) RemoveRevoked(ctx context.Context, subject string) error {
	if err := p.alive(ctx, subject); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.list(subject) {
		gone := p.covered(r)
		if p.fault.remove != nil {
			gone = p.fault.remove(p, gone)
		}
		if gone {
			delete(p.records, p.key(subject, r.ID))
		}
	}
	return nil
}

func (p *plain) RevokeAll(ctx context.Context, n stores.Note) error {
	err := p.Store.RevokeAll(ctx, n)
	p.all, _ = p.Generation(bg, "somebody new")
	return err
}

// TestPlantedSessions is what TestSessionsBites runs, as a program of its own.
func TestPlantedSessions(t *testing.T) {
	name := os.Getenv("GATETEST_PLANTED")
	if name == "" {
		t.Skip("run by TestSessionsBites")
	}
	for _, f := range plantedSessions {
		if f.name == name {
			gatetest.Sessions(t, func(t *testing.T, clock func() time.Time) stores.Sessions { return newPlain(t, clock, f) })
		}
	}
}

// TestSessionsBites runs the suite on stores with a fault each, and wants the check that
// is for it to fail.
func TestSessionsBites(t *testing.T) {
	t.Run("a good store", func(t *testing.T) {
		gatetest.Sessions(t, func(t *testing.T, clock func() time.Time) stores.Sessions {
			return newPlain(t, clock, sessionFault{})
		})
	})
	for _, f := range plantedSessions {
		t.Run(f.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlantedSessions$/^"+f.check+"$", "-test.v")
			cmd.Env = append(os.Environ(), "GATETEST_PLANTED="+f.name)
			out, err := cmd.CombinedOutput()
			failed := "--- FAIL: TestPlantedSessions/" + strings.ReplaceAll(f.check, " ", "_") + " "
			if err == nil || !bytes.Contains(out, []byte(failed)) {
				t.Errorf("error %v; want the check %q to fail:\n%s", err, f.check, summary(out))
			}
		})
	}
}
