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
)

// epoch is what a mark says: "name;before;previous".
type epoch struct {
	name     string
	before   int64  // tokens issued before this second count as revoked; 0: none
	previous string // name of the epoch that an operator has ended
	mark     string // all of it, as it is stored
}

func newEpoch(name string, before int64, previous string) *epoch {
	return &epoch{name, before, previous, name + ";" + number(before) + ";" + previous}
}

func parseEpoch(mark string) (*epoch, bool) {
	fields := strings.Split(mark, ";")
	if len(fields) != 3 || !validName(fields[0]) {
		return nil, false
	}
	before, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || before < 0 {
		return nil, false
	}
	return &epoch{fields[0], before, fields[2], mark}, true
}

func validName(name string) bool {
	return name != "" && strings.Trim(name, hashAlphabet+".") == ""
}

// older reports whether t may have been revoked in an epoch that is lost.
func (e *epoch) older(t *gate.Token) bool {
	return e.before != 0 && (t.IssuedAt.IsZero() || t.IssuedAt.Unix() < e.before)
}

// sameEpoch returns the epoch that the marks belong to: the one remembered, or one that
// an operator has put in its place.
func (s *Store) sameEpoch(e *epoch, marks []string) (*epoch, error) {
	for _, mark := range marks {
		if mark == e.mark {
			continue
		}
		next, ok := parseEpoch(mark)
		if !ok || next.name != e.name && next.previous != e.name {
			return nil, wiped("a mark is gone or another")
		}
		if st := s.state.Load(); st != nil && st.epoch == e {
			s.state.CompareAndSwap(st, &state{epoch: next, next: st.next})
		}
		e = next
	}
	return e, nil
}

func wiped(what string) error {
	return fmt.Errorf("gateredis: %w: %s; see AcceptWipe", stores.ErrWiped, what)
}

// electKey holds the mark of an epoch while its marks are being written.
func (s *Store) electKey() string { return s.o.Prefix + "{" + s.tags[0] + "}elect" }

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
	keys := append(s.markKeys(), s.electKey())
	values, err := s.readFresh(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("gateredis: epoch: %w", err)
	}
	marks, elected := values[:len(s.tags)], values[len(s.tags)]
	found, first := survey(marks)
	switch {
	case found == len(marks):
		return s.acceptMark(first)
	case found > 0 && first != elected || found < 0:
		return nil, wiped("marks are missing, or not of one epoch")
	case s.o.Epoch != "":
		return nil, wiped("it has no mark of the epoch in Options.Epoch")
	case elected == "":
		elected = newEpoch(rand.Text(), max(s.born.Unix(), 1), "").mark
		return nil, s.setAll(ctx, []string{s.electKey()}, elected, false)
	}
	// An epoch is elected and no other has marks: help to write them.
	if err := s.setAll(ctx, keys[:len(marks)], elected, false); err != nil {
		return nil, err
	}
	return nil, s.dropElected(ctx)
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
func (s *Store) acceptMark(mark string) (*epoch, error) {
	e, ok := parseEpoch(mark)
	if !ok || s.o.Epoch != "" && e.name != s.o.Epoch {
		return nil, wiped("its mark is of another epoch than Options.Epoch")
	}
	return e, nil
}

func (s *Store) markKeys() []string {
	keys := make([]string, 0, len(s.tags)+1)
	for _, tag := range s.tags {
		keys = append(keys, s.markKey(tag))
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

// AcceptWipe opens a store that is closed by [stores.ErrWiped], for all processes that
// use it: an operator has seen that it lost what was revoked, and decided. Tokens
// issued before notBefore are revoked from now on, so time.Now() lets everybody log in
// again; with the zero time they are accepted, those that had been revoked as well. It
// also begins the epoch that Options.Epoch names.
func (s *Store) AcceptWipe(ctx context.Context, notBefore time.Time) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	previous, err := s.previousName(ctx)
	if err != nil {
		return err
	}
	name, before := s.o.Epoch, int64(0)
	if name == "" {
		name = rand.Text()
	}
	if !notBefore.IsZero() {
		before = max(notBefore.Unix(), 1)
	}
	e := newEpoch(name, before, previous)
	if err := s.setAll(ctx, s.markKeys(), e.mark, true); err != nil {
		return err
	}
	if err := s.dropElected(ctx); err != nil {
		return err
	}
	s.state.Store(&state{epoch: e}) // due: the next call looks at the server's settings
	return nil
}

// previousName is the epoch that the other processes remember, as far as it is known.
func (s *Store) previousName(ctx context.Context) (string, error) {
	if st := s.state.Load(); st != nil && st.epoch != nil {
		return st.epoch.name, nil
	}
	marks, err := s.readFresh(ctx, s.markKeys())
	if err != nil {
		return "", fmt.Errorf("gateredis: epoch: %w", err)
	}
	for _, m := range marks {
		if e, ok := parseEpoch(m); ok {
			return e.name, nil
		}
	}
	return "", nil
}
