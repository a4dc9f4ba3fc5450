package gatetest_test

import (
	"context"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// broken is a good store with one of its methods bent.
type broken struct {
	stores.Store
	blocked        func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error)
	revokeToken    func(s stores.Store, ctx context.Context, t *gate.Token) error
	revokeSession  func(s stores.Store, ctx context.Context, id string) error
	revokeSubject  func(s stores.Store, ctx context.Context, subject string, o stores.SubjectOptions) error
	restoreToken   func(s stores.Store, ctx context.Context, id string) error
	restoreSession func(s stores.Store, ctx context.Context, id string) error
	restoreSubject func(s stores.Store, ctx context.Context, id string) error
	redeem         func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error)
	revokeAll      func(s stores.Store, ctx context.Context) error
}

func (b *broken) Redeem(ctx context.Context, t *gate.Token, n stores.Note) (bool, error) {
	if b.redeem != nil {
		return b.redeem(b.Store, ctx, t)
	}
	return b.Store.Redeem(ctx, t, n)
}

func (b *broken) RevokeAll(ctx context.Context, n stores.Note) error {
	if b.revokeAll != nil {
		return b.revokeAll(b.Store, ctx)
	}
	return b.Store.RevokeAll(ctx, n)
}

func (b *broken) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	if b.blocked != nil {
		return b.blocked(b.Store, ctx, t)
	}
	return b.Store.Blocked(ctx, t)
}

func (b *broken) RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error {
	if b.revokeToken != nil {
		return b.revokeToken(b.Store, ctx, t)
	}
	return b.Store.RevokeToken(ctx, t, n)
}

func (b *broken) RevokeSession(ctx context.Context, id string, n stores.Note) error {
	if b.revokeSession != nil {
		return b.revokeSession(b.Store, ctx, id)
	}
	return b.Store.RevokeSession(ctx, id, n)
}

func (b *broken) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, n stores.Note) error {
	if b.revokeSubject != nil {
		return b.revokeSubject(b.Store, ctx, subject, o)
	}
	return b.Store.RevokeSubject(ctx, subject, o, n)
}

func (b *broken) RestoreToken(ctx context.Context, id string) error {
	if b.restoreToken != nil {
		return b.restoreToken(b.Store, ctx, id)
	}
	return b.Store.RestoreToken(ctx, id)
}

func (b *broken) RestoreSession(ctx context.Context, id string) error {
	if b.restoreSession != nil {
		return b.restoreSession(b.Store, ctx, id)
	}
	return b.Store.RestoreSession(ctx, id)
}

func (b *broken) RestoreSubject(ctx context.Context, id string) error {
	if b.restoreSubject != nil {
		return b.restoreSubject(b.Store, ctx, id)
	}
	return b.Store.RestoreSubject(ctx, id)
}

var (
	none stores.Note
	bg   = context.Background()
)

// renamed bends every identifier.
func renamed(bend func(string) string) broken {
	return broken{
		blocked: func(s stores.Store, ctx context.Context, t *gate.Token) (bool, error) {
			c := copied(t)
			c.ID, c.SessionID, c.Subject = bend(t.ID), bend(t.SessionID), bend(t.Subject)
			return s.Blocked(ctx, c)
		},
		revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
			c := copied(t)
			c.ID = bend(t.ID)
			return s.RevokeToken(ctx, c, none)
		},
		revokeSession: func(s stores.Store, ctx context.Context, id string) error {
			return s.RevokeSession(ctx, bend(id), none)
		},
		revokeSubject: func(s stores.Store, ctx context.Context, subject string, o stores.SubjectOptions) error {
			o.ExceptSession = bend(o.ExceptSession)
			return s.RevokeSubject(ctx, bend(subject), o, none)
		},
		restoreToken:   func(s stores.Store, ctx context.Context, id string) error { return s.RestoreToken(ctx, bend(id)) },
		restoreSession: func(s stores.Store, ctx context.Context, id string) error { return s.RestoreSession(ctx, bend(id)) },
		restoreSubject: func(s stores.Store, ctx context.Context, id string) error { return s.RestoreSubject(ctx, bend(id)) },
	}
}

func copied(t *gate.Token) *gate.Token {
	c := *t
	return &c
}

// bent changes the tokens that are revoked.
func bent(bend func(*gate.Token)) broken {
	return broken{revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
		c := copied(t)
		bend(c)
		return s.RevokeToken(ctx, c, none)
	}}
}

// subjectOptions changes what is asked for a subject.
func subjectOptions(bend func(*stores.SubjectOptions)) broken {
	return broken{revokeSubject: func(s stores.Store, ctx context.Context, subject string, o stores.SubjectOptions) error {
		bend(&o)
		return s.RevokeSubject(ctx, subject, o, none)
	}}
}

// lastException forgets what earlier calls have revoked of the session that is spared.
func lastException() broken {
	var mu sync.Mutex
	return broken{revokeSubject: func(s stores.Store, ctx context.Context, subject string, o stores.SubjectOptions) error {
		if subject == "" || ctx.Err() != nil {
			return s.RevokeSubject(ctx, subject, o, none)
		}
		mu.Lock()
		defer mu.Unlock()
		if o.ExceptSession != "" {
			_ = s.RestoreSubject(ctx, subject)
		}
		return s.RevokeSubject(ctx, subject, o, none)
	}}
}

// racySubjects is right as long as calls come one by one. Of those that meet the last
// to write wins alone.
func racySubjects() broken {
	var mu sync.Mutex
	inside, met := 0, false
	return broken{revokeSubject: func(s stores.Store, ctx context.Context, subject string, o stores.SubjectOptions) error {
		mu.Lock()
		inside++
		met = met || inside > 1
		for wait := 0; !met && wait < 2000; wait++ { // for another to come
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
		}
		defer mu.Unlock()
		inside--
		if met {
			_ = s.RestoreSubject(bg, subject)
		}
		return s.RevokeSubject(ctx, subject, o, none)
	}}
}

// racyTokens undoes what another writes while it writes.
func racyTokens() broken {
	var mu sync.Mutex
	var writing []string
	return broken{revokeToken: func(s stores.Store, ctx context.Context, t *gate.Token) error {
		mu.Lock()
		writing = append(writing, t.ID)
		others := len(writing) > 1
		first := writing[0]
		mu.Unlock()
		err := s.RevokeToken(ctx, t, none)
		time.Sleep(time.Millisecond) // the window of the fault
		mu.Lock()
		defer mu.Unlock()
		if others {
			_ = s.RestoreToken(ctx, first)
		}
		for i, id := range writing {
			if id == t.ID {
				writing = append(writing[:i], writing[i+1:]...)
				break
			}
		}
		return err
	}}
}

// clocked is a store whose clock the faults can read.
type clocked struct {
	stores.Store
	clock func() time.Time
}
