package gatemem

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// hashKey is the key of SipHash-1-3 (Aumasson and Bernstein, 2012), the variant for
// tables. It is written out here because hash/maphash cannot be given a key, and a
// snapshot must be readable by the next process.
type hashKey struct{ k0, k1 uint64 }

// derive returns the key for one kind of identifier in one scope.
func (k hashKey) derive(kind, scope string) hashKey {
	text := strings.Join([]string{"gatemem", kind, scope}, "\x00")
	return hashKey{k.hash("0" + text), k.hash("1" + text)}
}

// hash returns the 64-bit hash of s. The hash 0 means no entry in a set, and is
// used for none.
func (k hashKey) hash(s string) uint64 {
	v0, v1 := k.k0^0x736f6d6570736575, k.k1^0x646f72616e646f6d
	v2, v3 := k.k0^0x6c7967656e657261, k.k1^0x7465646279746573
	last := uint64(len(s)) << 56
	for len(s) >= 8 {
		m := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		s = s[8:]
		v3 ^= m
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0 ^= m
	}
	var tail [8]byte
	copy(tail[:], s)
	last |= binary.LittleEndian.Uint64(tail[:])
	v3 ^= last
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	return max(v0^v1^v2^v3, 1)
}

func round(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
