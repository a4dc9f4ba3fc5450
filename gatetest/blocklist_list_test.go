package gatetest_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// listFault is a fault of a list.
type listFault struct {
	name, check string
	note        func(stores.Note) error                          // refuses to write
	entry       func(*stores.Entry)                              // changes what is kept
	options     func(*stores.ListOptions)                        // changes what is asked
	dead        bool                                             // shows what is past its time
	id          func(kind stores.Kind, id string) (other string) // in the place of the hash
}

var plantedLists = []listFault{
	{name: "refuses notes it cannot keep", check: "notes", note: func(n stores.Note) error {
		if len(n.Why) > 4096 || strings.ContainsRune(n.Why, 0) {
			return errors.New("bad text")
		}
		return nil
	}},
	{name: "lists what is past", check: "list", dead: true},
	{name: "lists all kinds", check: "list", options: func(o *stores.ListOptions) { o.Kind = "" }},
	{name: "lists in the clear", check: "list", id: func(kind stores.Kind, id string) string { return string(kind) + id }},
	{name: "loses the note", check: "list", entry: func(e *stores.Entry) { e.Note = stores.Note{} }},
	{name: "loses the time", check: "list", entry: func(e *stores.Entry) { e.At = time.Time{} }},
	{name: "loses the end", check: "list", entry: func(e *stores.Entry) { e.Until = e.Until.Add(-time.Second) }},
	{name: "loses the instant", check: "list", entry: func(e *stores.Entry) { e.Before = e.At }},
	{name: "loses the session that is spared", check: "list", entry: func(e *stores.Entry) { e.ExceptSession = "" }},
	{name: "shows the first page again", check: "list in pages", options: func(o *stores.ListOptions) { o.After = "" }},
	{name: "skips between pages", check: "list in pages", options: func(o *stores.ListOptions) {
		if o.After != "" {
			o.After = string(rune(o.After[0] + 8)) // behind some that come after it
		}
	}},
	{name: "shows more than asked for", check: "list in pages", options: func(o *stores.ListOptions) { o.Limit *= 2 }},
}

// listing is a store that lists, well where it has no fault.
type listing struct {
	*clocked
	fault   listFault
	mu      sync.Mutex
	entries map[string]stores.Entry
}

func (l *listing) keep(kind stores.Kind, id string, until time.Time, n stores.Note, r storekit.SubjectRecord) error {
	if l.fault.note != nil {
		if err := l.fault.note(n); err != nil {
			return err
		}
	}
	e := stores.Entry{Kind: kind, ID: storekit.HashID(kind, "", id), At: l.clock(), Until: until, Note: storekit.CleanNote(n), ExceptSession: r.Except}
	if r.Before != 0 {
		e.Before = time.Unix(r.Before, 0)
	}
	if r.AllBefore != 0 {
		e.AllBefore = time.Unix(r.AllBefore, 0)
	}
	if l.fault.id != nil {
		e.ID = l.fault.id(kind, id)
	}
	if l.fault.entry != nil {
		l.fault.entry(&e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[e.ID] = e
	return nil
}

func (l *listing) RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error {
	if err := l.Store.RevokeToken(ctx, t, n); err != nil {
		return err
	}
	return l.keep(stores.Token, t.ID, t.Expiry.Add(storekit.DefaultLeeway), n, storekit.SubjectRecord{})
}

func (l *listing) RevokeSession(ctx context.Context, id string, n stores.Note) error {
	if err := l.Store.RevokeSession(ctx, id, n); err != nil {
		return err
	}
	return l.keep(stores.Session, id, l.clock().Add(storekit.DefaultMaxLifetime+storekit.DefaultLeeway), n, storekit.SubjectRecord{})
}

func (l *listing) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, n stores.Note) error {
	if err := l.Store.RevokeSubject(ctx, subject, o, n); err != nil {
		return err
	}
	keep, err := storekit.Keep{}.WithDefaults()
	if err != nil {
		return err
	}
	r := storekit.SubjectRecord{}.Revoke(keep.SubjectChange(o, l.clock(), ""), 1)
	return l.keep(stores.Subject, subject, time.Unix(keep.UntilSubject(l.clock(), r), 0), n, r)
}

func (l *listing) List(_ context.Context, o stores.ListOptions) ([]stores.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault.options != nil {
		l.fault.options(&o)
	}
	all := slices.SortedFunc(maps.Values(l.entries), func(a, b stores.Entry) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.DeleteFunc(all, func(e stores.Entry) bool {
		return e.ID <= o.After || o.Kind != "" && e.Kind != o.Kind || !l.fault.dead && !l.clock().Before(e.Until)
	})
	return all[:min(len(all), cmp.Or(o.Limit, 100))], nil
}
