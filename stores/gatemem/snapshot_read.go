package gatemem

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// reader keeps its first error and the hash of what it has read.
type reader struct {
	r   io.Reader
	sum hash.Hash
	buf [128]byte
	err error
}

// bytes returns the next n bytes, which the next call overwrites.
func (r *reader) bytes(n int) []byte {
	b := r.buf[:n]
	if r.err == nil {
		if _, err := io.ReadFull(r.r, b); err != nil {
			r.err = damaged(err)
		}
		r.sum.Write(b)
	}
	return b
}

// damaged returns ErrCorrupt for a snapshot that ends too early, and other errors of
// reading as they are.
func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrCorrupt)
	}
	return fmt.Errorf("gatemem: reading a snapshot: %w", err)
}

func (r *reader) value(v any) {
	b := r.bytes(binary.Size(v))
	if _, err := binary.Decode(b, binary.LittleEndian, v); err != nil && r.err == nil {
		r.err = err
	}
}

// text returns a text that follows its length. A wrong length takes no more memory than
// there is data.
func (r *reader) text() string {
	var b []byte
	for n := int(r.count()); n > 0 && r.err == nil; {
		part := r.bytes(min(n, len(r.buf)))
		b, n = append(b, part...), n-len(part)
	}
	return string(b)
}

func (r *reader) int() int64 { return int64(binary.LittleEndian.Uint64(r.bytes(8))) }

func (r *reader) count() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }

func (r *reader) entry() (hash uint64, until uint32) {
	b := r.bytes(entrySize)
	return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
}

// end compares the hashes and checks that no data follows.
func (r *reader) end(src *bufio.Reader) error {
	want := r.sum.Sum(nil)
	if got := r.bytes(sha256.Size); r.err != nil {
		return r.err
	} else if !bytes.Equal(got, want) {
		return fmt.Errorf("%w: its checksum is wrong", ErrCorrupt)
	}
	if _, err := src.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows it", ErrCorrupt)
	}
	return nil
}
