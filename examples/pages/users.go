package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// users holds passwords by name; a real site keeps them in a database.
type users map[string]password

type password struct{ salt, hash []byte }

func newUsers(name, text string) users {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return users{name: {salt, derive(text, salt)}}
}

// know reports whether this is the user's password. It takes as long for a name that
// nobody has.
func (u users) know(name, text string) bool {
	p, ok := u[name]
	if !ok {
		p = password{make([]byte, 16), make([]byte, 32)}
	}
	return subtle.ConstantTimeCompare(derive(text, p.salt), p.hash) == 1 && ok
}

func derive(text string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha256.New, text, salt, 600_000, 32)
	if err != nil {
		panic(err) // only for parameters that FIPS 140 refuses
	}
	return key
}
