package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is what a hash costs. It is stored in each hash, so that it can be raised
// without locking anybody out.
type cost struct {
	memory, time uint32 // KiB, passes
	threads      uint8
}

// current is the cost of new hashes.
var current = cost{memory: 19 << 10, time: 2, threads: 1}

const (
	saltBytes = 16
	hashBytes = 32
)

// hasher hashes passwords with argon2id. slots bounds how many hashes are made at
// once: each takes 19 MiB and a core, and anybody may ask for one by logging in.
type hasher struct {
	slots chan struct{}
	dummy string // the hash of nobody's password
}

func newHasher(parallel int) (*hasher, error) {
	h := &hasher{slots: make(chan struct{}, parallel)}
	var err error
	h.dummy, err = h.hash(context.Background(), rand.Text())
	return h, err
}

// hash returns the text that is stored for a password:
// $argon2id$v=19$m=MEMORY,t=TIME,p=THREADS$SALT$HASH.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	sum, err := h.sum(ctx, password, salt, current)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, current.memory, current.time, current.threads, b64(salt), b64(sum)), nil
}

// matches compares a password with a stored hash; "" is the hash of nobody, which
// takes as long as any other and never matches.
func (h *hasher) matches(ctx context.Context, password, stored string) (bool, error) {
	nobody := stored == ""
	if nobody {
		stored = h.dummy
	}
	c, salt, want, err := parseHash(stored)
	if err != nil {
		return false, err
	}
	sum, err := h.sum(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, want) == 1 && !nobody, nil
}

func (h *hasher) sum(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, hashBytes), nil
}

func parseHash(stored string) (c cost, salt, sum []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errors.New("a stored password hash is of another kind")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil {
		return c, nil, nil, fmt.Errorf("a stored password hash is damaged: %w", err)
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	return c, salt, sum, errors.Join(err1, err2)
}
