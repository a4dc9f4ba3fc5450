package gateredis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// How an epoch came to be.
const (
	byProcess  = "begun"    // a process found nothing
	byOperator = "accepted" // AcceptWipe, for every name
	byName     = "named"    // AcceptWipe with Options.Epoch
)

// epoch is what a mark says: "name;begun;before;base;how".
type epoch struct {
	name   string
	begun  int64 // microseconds, by the server's clock
	before int64 // tokens issued until the end of this second count as revoked; 0: none
	base   int64 // those with a lower generation do, and the others do not; 0: judged by before
	how    string
}

func (e *epoch) mark() string {
	return strings.Join([]string{e.name, number(e.begun), number(e.before), number(e.base), e.how}, ";")
}

func parseEpoch(mark string) (*epoch, bool) {
	fields := strings.Split(mark, ";")
	if len(fields) != 5 || !validName(fields[0]) {
		return nil, false
	}
	begun, err := strconv.ParseInt(fields[1], 10, 64)
	before, err2 := strconv.ParseInt(fields[2], 10, 64)
	base, err3 := strconv.ParseInt(fields[3], 10, 64)
	e := &epoch{fields[0], begun, before, base, fields[4]}
	ok := errors.Join(err, err2, err3) == nil && min(begun, before, base) >= 0 && e.mark() == mark
	return e, ok && (e.how == byProcess || e.how == byOperator || e.how == byName)
}

func validName(name string) bool {
	return name != "" && strings.Trim(name, hashAlphabet+".") == ""
}

// older reports whether t may have been revoked in an epoch that is lost.
func (e *epoch) older(t *gate.Token) bool {
	gen, ok := t.Generation()
	if !ok {
		gen = stores.NoGeneration
	}
	return e.olderThan(gen, t.IssuedAt)
}

func (e *epoch) olderThan(gen int64, issued time.Time) bool {
	if gen != stores.NoGeneration && e.base != 0 {
		return gen < e.base
	}
	return e.before != 0 && (issued.IsZero() || issued.Unix() <= e.before)
}

// trusts reports whether tokens from before the epoch are accepted.
func (s *Store) trusts(e *epoch) bool { return s.o.TrustOlderTokens && e.how != byOperator }

// lowest is the generation of subjects without a record.
func (e *epoch) lowest() int64 {
	if e == nil {
		return 0
	}
	return e.base
}

// follows reports whether a process that knows the epoch old may go on with e: an
// operator has decided so since old began, through any process.
func (e *epoch) follows(old *epoch) bool {
	return *e == *old || e.how != byProcess && e.begun > old.begun
}

// sameEpoch returns the epoch that the marks belong to: the one remembered, or one that
// an operator has put in its place.
func (s *Store) sameEpoch(ctx context.Context, known known, marks []string) (*epoch, error) {
	e := known.epoch
	for _, mark := range marks {
		if mark == known.mark {
			continue
		}
		next, ok := parseEpoch(mark)
		if !ok || !next.follows(e) {
			return nil, s.wiped(ctx, "a mark is gone or another")
		}
		e = next
	}
	if e != known.epoch {
		s.adopt(ctx, known.epoch, e)
	}
	return e, nil
}

// known is the epoch that a process remembers, and its mark.
type known struct {
	epoch *epoch
	mark  string
}

// adopt makes next the epoch that this process remembers.
func (s *Store) adopt(ctx context.Context, old, next *epoch) {
	st := s.state.Load()
	if st != nil && st.known.epoch == old && s.state.CompareAndSwap(st, &state{known: known{next, next.mark()}, next: st.next, full: st.full}) {
		s.reopened(ctx)
	}
}

func (s *Store) reopened(ctx context.Context) {
	if s.closed.Swap(false) {
		s.emit(ctx, stores.StoreReopened, nil)
	}
}

// wiped returns the error of a store that lost its data, and reports it once.
func (s *Store) wiped(ctx context.Context, what string) error {
	err := fmt.Errorf("gateredis: %w: %s; when you have seen why, call AcceptWipe", stores.ErrWiped, what)
	if !s.closed.Swap(true) {
		s.emit(ctx, stores.StoreWiped, err)
	}
	return err
}

// electKey holds the mark of an epoch while its marks are being written.
func (s *Store) electKey() string { return s.o.Prefix + "{" + s.tags[0] + "}elect" + s.suffix }

// findEpoch reads the marks of all groups, and begins an epoch where there is none.
func (s *Store) findEpoch(ctx context.Context) (*epoch, error) {
	for range 10 {
		e, err := s.tryEpoch(ctx)
		if e != nil || err != nil {
			return e, err
		}
	}
	return nil, errors.New("gateredis: the epoch changes all the time")
}

// tryEpoch is one attempt; nil without an error asks for another.
func (s *Store) tryEpoch(ctx context.Context) (*epoch, error) {
	keys := s.allMarks()
	marks, elected, err := s.readMarks(ctx, keys)
	if err != nil {
		return nil, s.epochError(ctx, err)
	}
	found, first := survey(marks)
	switch {
	case found == len(marks):
		return s.acceptMark(ctx, first)
	case found > 0 && first != elected || found < 0:
		return nil, s.wiped(ctx, "marks are missing, or not of one epoch: a part of the data is gone")
	case s.o.Epoch != "":
		return nil, s.wiped(ctx, "it has no mark of the epoch in Options.Epoch")
	case elected == "":
		return nil, s.elect(ctx)
	}
	// An epoch is elected and no other has marks: help to write them.
	if err := s.setAll(ctx, keys, elected, false); err != nil {
		return nil, err
	}
	return nil, s.dropElected(ctx)
}

// readMarks reads the marks and the elected one. The nodes of a Cluster answer at different
// times, so that it may see some of the marks that another process writes, and not the
// elected one, which that process removes when it has written all. The second time it
// sees them all.
func (s *Store) readMarks(ctx context.Context, keys []string) (marks []string, elected string, err error) {
	for range 2 {
		values, err := s.readFresh(ctx, append(keys[:len(keys):len(keys)], s.electKey()))
		if err != nil {
			return nil, "", err
		}
		marks, elected = values[:len(keys)], values[len(keys)]
		if found, first := survey(marks); found == len(keys) || found == 0 || found > 0 && first == elected {
			break
		}
	}
	return marks, elected, nil
}

// elect proposes an epoch that begins now.
func (s *Store) elect(ctx context.Context) error {
	now, err := s.serverTime(ctx)
	if err != nil {
		return err
	}
	e := &epoch{name: rand.Text(), begun: now.UnixMicro(), how: byProcess}
	s.startAt(e, now, now)
	if err := s.setAll(ctx, []string{s.electKey()}, e.mark(), false); err != nil {
		return err
	}
	s.emit(ctx, stores.StoreBegun, nil)
	return nil
}

// startAt refuses tokens from before an instant. If that is now, those with a generation
// are told apart exactly: logins from now on read one that is not lower than base.
func (s *Store) startAt(e *epoch, instant, now time.Time) {
	e.before = max(instant.Add(s.keep.Skew).Unix(), 1)
	if instant.Sub(now).Abs() <= s.keep.Skew {
		e.base = storekit.NextGeneration(0, now.Add(s.keep.Skew))
	}
}

// timeScript goes where the first mark is kept, and not to a node that may be down.
const timeScript = `return redis.call('TIME')`

func (s *Store) serverTime(ctx context.Context) (time.Time, error) {
	ask := s.client.B().Eval().Script(timeScript).Numkeys(1).Key(s.markKey(s.tags[0])).Build()
	parts, err := s.client.Do(ctx, ask).AsStrSlice()
	if err != nil {
		return time.Time{}, s.epochError(ctx, err)
	}
	if len(parts) != 2 {
		return time.Time{}, errors.New("gateredis: the server told no time")
	}
	return readTime(parts[0], parts[1])
}

// readTime reads what TIME has said.
func readTime(second, microsecond string) (time.Time, error) {
	sec, err := strconv.ParseInt(second, 10, 64)
	micro, err2 := strconv.ParseInt(microsecond, 10, 64)
	return time.Unix(sec, micro*1000), errors.Join(err, err2)
}

// epochError is an error while marks are read or written. A mark of another type is as
// good as none.
func (s *Store) epochError(ctx context.Context, err error) error {
	if errors.Is(err, errForeign) {
		return s.wiped(ctx, "a mark is a key of another type")
	}
	return fmt.Errorf("gateredis: epoch: %w", err)
}

// survey returns how many marks there are, -1 where they differ, and one of them.
func survey(marks []string) (found int, first string) {
	for _, m := range marks {
		switch {
		case m == "":
			continue
		case first == "":
			first = m
		case m != first:
			return -1, ""
		}
		found++
	}
	return found, first
}

// acceptMark is for the mark that a process finds when it remembers none.
func (s *Store) acceptMark(ctx context.Context, mark string) (*epoch, error) {
	e, ok := parseEpoch(mark)
	if !ok || s.o.Epoch != "" && e.name != s.o.Epoch && e.how != byOperator {
		return nil, s.wiped(ctx, "its mark is of another epoch than Options.Epoch")
	}
	return e, nil
}

// allMarks are the keys that hold the mark: one for each group, which every check reads,
// and one among the entries of each kind, so that entries that are gone without the
// mark are noticed when the settings are looked at.
func (s *Store) allMarks() []string {
	keys := make([]string, 0, 4*len(s.tags)+1)
	for _, tag := range s.tags {
		keys = append(keys, s.markKey(tag))
		for _, kind := range []stores.Kind{stores.Token, stores.Session, stores.Subject} {
			keys = append(keys, s.o.Prefix+"{"+tag+"}"+string(kind[:2])+":epoch"+s.suffix)
		}
	}
	return keys
}

// setAll writes one value to all keys, over what is there or only where nothing is.
func (s *Store) setAll(ctx context.Context, keys []string, value string, over bool) error {
	commands := make([]rueidis.Completed, len(keys))
	for i, k := range keys {
		set := s.client.B().Set().Key(k).Value(value)
		if over {
			commands[i] = set.Build()
		} else {
			commands[i] = set.Nx().Build()
		}
	}
	for _, r := range s.client.DoMulti(ctx, commands...) {
		if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
			return fmt.Errorf("gateredis: epoch: %w", err)
		}
	}
	return nil
}

func (s *Store) dropElected(ctx context.Context) error {
	if err := s.client.Do(ctx, s.client.B().Del().Key(s.electKey()).Build()).Error(); err != nil {
		return fmt.Errorf("gateredis: epoch: %w", err)
	}
	return nil
}
