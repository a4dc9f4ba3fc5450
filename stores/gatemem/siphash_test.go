package gatemem

import "testing"

// The vectors of the paper's reference implementation: key 00 01 .. 0f, input 00 01 ..
func TestSipHash(t *testing.T) {
	k := hashKey{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	input := make([]byte, 64)
	for i := range input {
		input[i] = byte(i)
	}
	for n, want := range map[int]uint64{
		0:  0x726fdb47dd0e0e31,
		1:  0x74f839c593dc67fd,
		7:  0xab0200f58b01d137,
		8:  0x93f5f5799a932462,
		15: 0xa129ca6149be45e5,
		63: 0x958a324ceb064572,
	} {
		if got := k.hash(string(input[:n])); got != want {
			t.Errorf("hash of %d bytes = %#x, want %#x", n, got, want)
		}
	}
}

func TestKeysOfKindsAndScopesDiffer(t *testing.T) {
	k := hashKey{1, 2}
	seen := map[hashKey]string{}
	for _, kind := range []string{"token", "session", "subject"} {
		for _, scope := range []string{"", "a", "b"} {
			d := k.derive(kind, scope)
			if other, ok := seen[d]; ok {
				t.Errorf("%s/%s has the key of %s", kind, scope, other)
			}
			seen[d] = kind + "/" + scope
		}
	}
}

func BenchmarkSipHash(b *testing.B) {
	k := hashKey{1, 2}
	for b.Loop() {
		k.hash("00000000-0000-4000-8000-000000000000")
	}
}
