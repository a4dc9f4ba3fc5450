package jws

import (
	"crypto/sha256"
	"crypto/sha512"
)

// The one-shot functions keep the hash state on the stack.

func sum256(dst *[64]byte, b []byte) []byte { s := sha256.Sum256(b); return dst[:copy(dst[:], s[:])] }
func sum384(dst *[64]byte, b []byte) []byte { s := sha512.Sum384(b); return dst[:copy(dst[:], s[:])] }
func sum512(dst *[64]byte, b []byte) []byte { s := sha512.Sum512(b); return dst[:copy(dst[:], s[:])] }
