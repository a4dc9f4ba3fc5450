package gateredis

import (
	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// hashAlphabet are the characters that [stores.HashID] begins with. On a Cluster the
// first one is the tag that chooses a key's slot: 64 groups, which spread over the
// masters, each with a mark of its own, since each master can be wiped by itself. On
// one server one group is enough, and all keys of a check travel on one connection.
const hashAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func (s *Store) tag(hash string) string {
	if s.cluster {
		return hash[:1]
	}
	return s.tags[0]
}

// key is where the entry of a hashed identifier is kept.
func (s *Store) key(kind stores.Kind, hash string) string {
	return s.o.Prefix + "{" + s.tag(hash) + "}" + string(kind[:2]) + ":" + hash
}

// markKey is where the mark of a group of keys is kept.
func (s *Store) markKey(tag string) string { return s.o.Prefix + "{" + tag + "}epoch" }

func (s *Store) hash(kind stores.Kind, id string) string {
	return stores.HashID(kind, s.o.Scope, id)
}

// lookup are the keys of one check. A key is "" where the token has no such identifier.
type lookup struct {
	token, session, subject string
	sessionHash             string
	all                     []string // those that are set, then their marks
	marks                   int      // how many of all are marks
}

func (s *Store) lookup(t *gate.Token) lookup {
	l := lookup{all: make([]string, 0, 6)}
	var tags [3]string
	add := func(kind stores.Kind, hash string) string {
		k := s.key(kind, hash)
		tags[len(l.all)] = s.tag(hash)
		l.all = append(l.all, k)
		return k
	}
	if t.ID != "" {
		l.token = add(stores.Token, s.hash(stores.Token, t.ID))
	}
	if t.SessionID != "" {
		l.sessionHash = s.hash(stores.Session, t.SessionID)
		l.session = add(stores.Session, l.sessionHash)
	}
	if t.Subject != "" {
		l.subject = add(stores.Subject, s.hash(stores.Subject, t.Subject))
	}
	n := len(l.all)
	for i := range n {
		if !s.cluster && i > 0 {
			break // one group, one mark
		}
		l.all = append(l.all, s.markKey(tags[i]))
	}
	l.marks = len(l.all) - n
	return l
}
