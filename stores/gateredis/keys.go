package gateredis

import (
	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// hashAlphabet holds the characters with which a [storekit.HashID] can begin. On a Cluster
// the first character is the tag that chooses a key's slot. So there are 64 groups of
// keys, spread over the masters. Each group has a mark, because each master can lose its
// data alone. A single server has one group, and a check uses one connection.
const hashAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func (s *Store) tag(hash string) string {
	if s.cluster {
		return hash[:1]
	}
	return s.tags[0]
}

// key returns the key of the entry of a hashed identifier.
func (s *Store) key(kind stores.Kind, hash string) string {
	return s.o.Prefix + "{" + s.tag(hash) + "}" + string(kind[:2]) + ":" + hash
}

// markKey returns the key of the mark of a group. That of a single server is made once.
func (s *Store) markKey(tag string) string {
	if s.oneMark != "" {
		return s.oneMark
	}
	return s.o.Prefix + "{" + tag + "}epoch" + s.suffix
}

// hash returns the hash of an identifier of the gate itself.
func (s *Store) hash(kind stores.Kind, id string) string {
	return storekit.HashID(kind, s.o.Scope.Text(), id)
}

// lookup holds the keys of one check, for the identifiers that the token has.
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
