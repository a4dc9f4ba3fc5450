//go:build unix

package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
)

// The points at which a node is killed while it refreshes, and while it ends a session
// for reuse.
const (
	beforeStore  = "before the store is called"
	inStore      = "while the store is called"
	afterStore   = "after the store has answered"
	beforeAnswer = "before the answer is written"
	inAnswer     = "in the middle of the answer"
	anyTime      = "at a random time"
	beforeEnd    = "before the end is revoked"
	beforeRemove = "before the record is removed"
)

// killedNode is what a process is told that is a node of the service, and that is killed.
type killedNode struct {
	Place  place
	Secret []byte
	Grace  time.Duration
	Point  string
	Strict bool // planted: no grace period
}

// die ends this process at once, without any of its last acts.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// dying is the store of a node that is killed at a point.
type dying struct {
	keeper
	point string
}

func (d *dying) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	switch d.point {
	case beforeStore:
		die()
	case inStore:
		time.AfterFunc(rand.N(3*time.Millisecond), die)
	}
	out, err := d.keeper.Rotate(ctx, r)
	switch d.point {
	case inStore:
		select {}
	case afterStore:
		die()
	}
	return out, err
}

func (d *dying) RevokeSession(ctx context.Context, id string, n stores.Note) error {
	if d.point == beforeEnd {
		die()
	}
	return d.keeper.RevokeSession(ctx, id, n)
}

func (d *dying) RemoveSession(ctx context.Context, subject, id string) (bool, error) {
	if d.point == beforeRemove {
		die()
	}
	return d.keeper.RemoveSession(ctx, subject, id)
}

// Unwrap lets the gate find what else the store can do.
func (d *dying) Unwrap() gate.Blocklist { return d.keeper }

// serveUntilKilled is the process of a node: it refreshes for whom sends a refresh token,
// and answers with the new one.
func serveUntilKilled(spec string) error {
	var k killedNode
	if err := json.Unmarshal([]byte(spec), &k); err != nil {
		return err
	}
	store, _, err := k.Place.open(context.Background())
	if err != nil {
		return err
	}
	if k.Strict {
		store = &strict{store}
	}
	_, m, err := newNode(&dying{store, k.Point}, k.Secret, k.Grace, nil)
	if err != nil {
		return err
	}
	return serveHelper(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		pair, err := m.Refresh(r.Context(), string(raw), nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		answer := pair.Refresh()
		if k.Point == beforeAnswer {
			die()
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
		if k.Point == inAnswer {
			_, _ = io.WriteString(w, answer[:len(answer)/2])
			_ = http.NewResponseController(w).Flush()
			die()
		}
		_, _ = io.WriteString(w, answer)
	}))
}

// refresh sends a refresh token, and returns the new one where the answer has come
// whole.
func (p *helper) refresh(raw string) (fresh string, ok bool) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	answer, err := client.Post("http://"+p.addr, "text/plain", strings.NewReader(raw))
	if err != nil {
		return "", false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err == nil && answer.StatusCode == http.StatusOK
}

// wait returns when the process was killed, and whether that was what ended it.
func (p *helper) wait() (killed bool) {
	_ = p.cmd.Wait()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// crowd is how many users refresh at a node when it is killed. One of them reaches the
// point, and the others are anywhere.
const crowd = 4

// kill starts a node, lets users refresh there, and kills it. It returns the tokens of
// those whose answer has come, and when the first can have been rotated.
func (n *sessionNodes) kill(t *testing.T, k killedNode, tokens []string) (began time.Time, got []string) {
	t.Helper()
	k.Secret, k.Grace = n.secret, n.grace
	p := startHelper(t, "KILLED_NODE", string(must(json.Marshal(k))))
	began, got = time.Now(), make([]string, len(tokens))
	var wg sync.WaitGroup
	for i, raw := range tokens {
		wg.Go(func() {
			if fresh, ok := p.refresh(raw); ok {
				got[i] = fresh
			}
		})
	}
	if k.Point == anyTime {
		time.Sleep(rand.N(20 * time.Millisecond))
		_ = p.cmd.Process.Kill()
	}
	wg.Wait()
	_ = p.in.Close()
	if !p.wait() {
		t.Errorf("the node was not killed %s", k.Point)
	}
	return began, got
}

// refreshed kills a node while users refresh there. It returns an error if one of them
// does not go on with what he has.
func (n *sessionNodes) refreshed(t *testing.T, k killedNode) error {
	var users []*session.Pair
	var tokens []string
	for range crowd {
		p, _ := n.start(t)
		users, tokens = append(users, p), append(tokens, p.Refresh())
	}
	began, got := n.kill(t, k, tokens)
	errs := make([]error, crowd)
	var wg sync.WaitGroup
	for i, p := range users {
		wg.Go(func() { errs[i] = n.goesOn(t.Context(), p, got[i], began) })
	}
	wg.Wait()
	if slices.Contains(errs, errSlow) {
		return errSlow
	}
	return errors.Join(errs...)
}

// goesOn returns an error if a user does not go on at the other nodes, with the token of
// the answer or with the old one where none came, if the two do not lead to one token, or
// if the old one is worth something later.
func (n *sessionNodes) goesOn(ctx context.Context, p *session.Pair, got string, began time.Time) error {
	held := p.Refresh()
	if got != "" {
		held = got
	}
	next, err := insist(ctx, n.anyone(), held)
	if err == nil {
		var twin *session.Pair
		if twin, err = n.refresh(ctx, p); err == nil && twin.Refresh() != next.Refresh() {
			err = errors.New("two live tokens")
		}
	}
	if err = n.late(began, err); err != nil {
		return err
	}
	nap(ctx, n.grace+50*time.Millisecond)
	after, err := n.refresh(ctx, next)
	if err != nil {
		return err
	}
	if after.RefreshToken().ID == next.RefreshToken().ID {
		return errors.New("the token is not rotated any more")
	}
	return n.wantReused(ctx, p, after)
}

// unfinished kills a node in the middle of ending a session for reuse. It returns an error
// if the other nodes do not finish the end, when the thief and the user meet them.
func (n *sessionNodes) unfinished(t *testing.T, k killedNode) error {
	p, subject := n.start(t)
	next, err := n.refresh(t.Context(), p)
	if err != nil {
		return err
	}
	nap(t.Context(), n.grace+50*time.Millisecond)
	n.kill(t, k, []string{p.Refresh()})
	_, errs := n.atOnce(t.Context(), next.Refresh(), 3)
	return n.ended(t.Context(), subject, next, errs)
}

// killedAnywhere kills nodes so many times at each point of a rotation and of an end.
func (n *sessionNodes) killedAnywhere(t *testing.T, k killedNode, times int) (refreshes, ends finding) {
	t.Helper()
	each := func(points []string, what string, one func(*testing.T, killedNode) error) finding {
		f := rounds(times*len(points), what, func(i int) error {
			k := k
			k.Point = points[i%len(points)]
			return one(t, k)
		})
		f.more += fmt.Sprintf(" (%d points)", len(points))
		return f
	}
	refreshes = each([]string{beforeStore, inStore, afterStore, beforeAnswer, inAnswer, anyTime},
		"nodes killed in refreshes, after which a user was out or had two live tokens", n.refreshed)
	ends = each([]string{beforeEnd, beforeRemove}, "nodes killed while they ended a session, which went on", n.unfinished)
	return refreshes, ends
}

// TestF11 kills the process of a node at each point of a rotation.
func TestF11(t *testing.T) {
	const grace = time.Second
	everyPlace(t, func(t *testing.T, p place) {
		if p.memory != nil {
			t.Skip("a process that is killed takes its memory along")
		}
		refreshes, ends := newSessionNodes(t, grace, p.opener(t), nil).killedAnywhere(t, killedNode{Place: p}, pick(1, 50))
		holds(t, "F11 "+p.Name, refreshes)
		holds(t, "F11 "+p.Name, ends)
	})
	p := places["sqlite"](t)
	n := newSessionNodes(t, grace, p.opener(t), func(s stores.Sessions) stores.Sessions { return &strict{s} })
	refreshes, _ := n.killedAnywhere(t, killedNode{Place: p, Strict: true}, 1)
	caught(t, "F11", "no grace period", refreshes)
	n = newSessionNodes(t, grace, p.opener(t), func(s stores.Sessions) stores.Sessions { return &resigned{s} })
	_, ends := n.killedAnywhere(t, killedNode{Place: p}, 1)
	caught(t, "F11", "an end that nobody finishes", ends)
}
