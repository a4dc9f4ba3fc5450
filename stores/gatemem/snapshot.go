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

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Errors of [Read] and [Load]. Load returns fs.ErrNotExist if there is no file.
var (
	// ErrCorrupt means that the snapshot is incomplete, was changed, or is followed by
	// other data.
	ErrCorrupt = errors.New("gatemem: the snapshot is damaged")
	// ErrForeign means that the file is no snapshot, or a snapshot of another version or
	// another scope.
	ErrForeign = errors.New("gatemem: this is not a snapshot of this store")
)

// A snapshot has these parts: the magic, whose last byte is the version; the hash key;
// the hash of the scope; for each shard of the tokens, then of the sessions, a count and
// the entries; a count of subjects and their records; the SHA-256 of all these parts.
// Numbers are little endian.
var magic = [8]byte{'g', 'a', 't', 'e', 'm', 'e', 'm', 2}

type header struct {
	Key   [16]byte
	Scope uint64
}

type diskSubject struct {
	Hash                      uint64
	Until, Before, AllBefore  int64
	Generation, AllGeneration int64
	Except                    [storekit.HashSize]byte // zeros: none
}

const entrySize = 12

// Snapshot writes all entries to w. It includes every revocation that returned before
// Snapshot was called. Checks and writes continue while it runs.
func (s *Store) Snapshot(w io.Writer) error {
	sum := sha256.New()
	buf := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	b := binary.LittleEndian.AppendUint64(magic[:], s.master.k0)
	b = binary.LittleEndian.AppendUint64(b, s.master.k1)
	b = binary.LittleEndian.AppendUint64(b, s.scopeCheck())
	_, _ = buf.Write(b) // a bufio.Writer keeps its error for Flush
	for _, part := range []*set{&s.tokens, &s.sessions} {
		for i := range part.shards {
			_, _ = buf.Write(part.shards[i].encode())
		}
	}
	_, _ = buf.Write(s.subjects.encode())
	err := buf.Flush()
	if err == nil {
		_, err = w.Write(sum.Sum(nil))
	}
	if err != nil {
		return fmt.Errorf("gatemem: snapshot: %w", err)
	}
	return nil
}

func (s *Store) scopeCheck() uint64 { return s.master.hash("scope\x00" + s.scope.Text()) }

func (h *shard) encode() []byte {
	h.mu.RLock()
	defer h.mu.RUnlock()
	b := make([]byte, 0, 4+entrySize*h.n)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.n))
	for i, hash := range h.hash {
		if hash != 0 {
			b = binary.LittleEndian.AppendUint64(b, hash)
			b = binary.LittleEndian.AppendUint32(b, h.until[i])
		}
	}
	return b
}

func (s *subjects) encode() []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(s.m)))
	for hash, e := range s.m {
		d := diskSubject{Hash: hash, Until: e.until, Before: e.Before, AllBefore: e.AllBefore, Generation: e.Generation, AllGeneration: e.AllGeneration}
		copy(d.Except[:], e.Except)
		b, _ = binary.Append(b, binary.LittleEndian, d) // fixed size: cannot fail
	}
	return b
}

// Read returns a store with the entries of a snapshot, without the expired ones. It
// reads to the end of r. It returns [ErrCorrupt], [ErrForeign], or [stores.ErrFull] if
// the snapshot has more than o.MaxTokens tokens; then there is no store.
func Read(r io.Reader, o Options) (*Store, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	in := &reader{r: br, sum: sha256.New()}
	if got := [8]byte(in.bytes(len(magic))); in.err == nil && got != magic {
		return nil, foreign(got)
	}
	var h header
	if in.value(&h); in.err != nil {
		return nil, in.err
	}
	s, err := newStore(o, h.Key)
	if err != nil {
		return nil, err
	}
	if s.scopeCheck() != h.Scope {
		return nil, fmt.Errorf("%w: its scope is another", ErrForeign)
	}
	if s.decode(in); in.err != nil {
		return nil, in.err
	}
	if err := in.end(br); err != nil {
		return nil, err
	}
	return s, nil
}

// foreign returns the error for a file that does not begin with the magic.
func foreign(got [8]byte) error {
	if n := len(magic) - 1; bytes.Equal(got[:n], magic[:n]) {
		return fmt.Errorf("%w: it has version %d, and this program reads %d", ErrForeign, got[n], magic[n])
	}
	return fmt.Errorf("%w: it begins otherwise", ErrForeign)
}

// decode reads the entries.
func (s *Store) decode(in *reader) {
	now := s.clock()
	for _, part := range []*set{&s.tokens, &s.sessions} {
		for range part.shards {
			for n := in.count(); n > 0 && in.err == nil; n-- {
				hash, until := in.entry()
				if in.err == nil && hash != 0 && storekit.Live(untilOf(until), now) {
					part.shard(hash).put(hash, untilOf(until), now)
					part.n.Add(1)
				}
			}
		}
	}
	if s.reserved.Store(s.tokens.n.Load()); s.reserved.Load() > s.max && in.err == nil {
		in.err = fmt.Errorf("gatemem: the snapshot has more tokens than MaxTokens: %w", stores.ErrFull)
	}
	for n := in.count(); n > 0 && in.err == nil; n-- {
		var d diskSubject
		if in.value(&d); in.err == nil && storekit.Live(d.Until, now) {
			s.subjects.set(d.Hash, subject{d.record(), d.Until})
		}
	}
	if r, ok := s.subjects.m[s.everybodyHash()]; ok {
		s.setEverybody(r)
	}
}

func (d *diskSubject) record() storekit.SubjectRecord {
	return storekit.SubjectRecord{
		Generation: d.Generation, AllGeneration: d.AllGeneration, Before: d.Before, AllBefore: d.AllBefore,
		Except: string(bytes.TrimRight(d.Except[:], "\x00")),
	}
}

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
