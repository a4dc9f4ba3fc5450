package main

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"os"
	"time"

	"github.com/jwtgate/gate/keys"
)

// tokensLive is how long the longest token lives, and a key after it was replaced.
const tokensLive = 31 * 24 * time.Hour

const maxKeys = 8

// loadRing returns the ring of signing keys. It begins with the secret in file, or with a
// random one.
func loadRing(file string) (*keys.Ring, error) {
	key, err := loadKey(file)
	if err != nil {
		return nil, err
	}
	return keys.NewRing(keys.RingOptions{Lifetime: tokensLive}, keys.RingKey{Key: key.WithID("first")})
}

func loadKey(file string) (*keys.Key, error) {
	if file == "" {
		return keys.Generate(keys.HS256)
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return keys.HMAC(keys.HS256, bytes.TrimRight(secret, "\r\n"))
}

// rotateKey lets a new key sign from now on. Tokens of the old ones stay valid.
func (s *service) rotateKey(w http.ResponseWriter, r *http.Request) {
	if len(s.ring.Status()) >= maxKeys {
		refuse(w, http.StatusConflict, "The ring has 8 keys, which are enough for a demo; restart it")
		return
	}
	key, err := keys.Generate(keys.HS256)
	if err == nil {
		err = s.ring.Rotate(key.WithID("key-"+rand.Text()[:6]), time.Now())
	}
	if err != nil {
		fail(w, err)
		return
	}
	s.listKeys(w, r)
}

// keyInfo describes a key, without its secret.
type keyInfo struct {
	ID    string     `json:"id"`
	Phase keys.Phase `json:"phase"`
	From  time.Time  `json:"from,omitzero"`
	Until time.Time  `json:"until,omitzero"`
}

// listKeys shows which key signs, and which ones only verify.
func (s *service) listKeys(w http.ResponseWriter, _ *http.Request) {
	var list []keyInfo
	for _, k := range s.ring.Status() {
		list = append(list, keyInfo{k.Key.ID(), k.Phase, k.From, k.Until})
	}
	writeJSON(w, http.StatusOK, map[string][]keyInfo{"keys": list})
}
