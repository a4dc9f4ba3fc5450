package scan

import (
	"bytes"
	"testing"
)

// TestPlain puts each byte at each place of texts of all lengths around the words
// that are read at once.
func TestPlain(t *testing.T) {
	for n := range 50 {
		text := bytes.Repeat([]byte{'a'}, n)
		if !plain(text) {
			t.Fatalf("plain(%q) = false", text)
		}
		for i := range text {
			for c := range 256 {
				text[i] = byte(c)
				if got, want := plain(text), c >= 0x20 && c < 0x80 && c != '\\'; got != want {
					t.Fatalf("plain(%q) = %v", text, got)
				}
			}
			text[i] = 'a'
		}
	}
}
