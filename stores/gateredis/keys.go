package gateredis

import (
	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// hashAlphabet are the characters that [storekit.HashID] begins with. On a Cluster the
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
func (s *Store) markKey(tag string) string { return s.o.Prefix + "{" + tag + "}epoch" + s.suffix }

// hash is of an identifier of the gate's own.
func (s *Store) hash(kind stores.Kind, id string) string {
	return storekit.HashID(kind, s.o.Scope.Text(), id)
}

// lookup are the keys of one check, of those identifiers that the token has.
type lookup struct {
	kinds       []stores.Kind
	sessionHash string
	tags        []string // of their groups; one server has one group
	all         []string // one for each of kinds, then the marks of tags
}

func (s *Store) lookup(t *gate.Token) *lookup {
	l := &lookup{kinds: make([]stores.Kind, 0, 3), tags: make([]string, 0, 3), all: make([]string, 0, 6)}
	scope := storekit.IssuerScope(s.o.Scope.Text(), t.VerifiedIssuer())
	add := func(kind stores.Kind, id string) string {
		if id == "" {
			return ""
		}
		hash := storekit.HashID(kind, scope, id)
		if s.cluster || len(l.tags) == 0 {
			l.tags = append(l.tags, s.tag(hash))
		}
		l.kinds, l.all = append(l.kinds, kind), append(l.all, s.key(kind, hash))
		return hash
	}
	add(stores.Token, t.RevocationID())
	l.sessionHash = add(stores.Session, t.SessionID)
	add(stores.Subject, storekit.SubjectOf(t))
	for _, tag := range l.tags {
		l.all = append(l.all, s.markKey(tag))
	}
	return l
}
