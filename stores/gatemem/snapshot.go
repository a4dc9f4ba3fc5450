package gatemem

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
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
// the hash of the scope; for each shard of the tokens, then of the revoked sessions, a
// count and the entries; a count of subjects and their records; for each shard of the
// session records, which version 2 does not have, a count and the records; the SHA-256 of
// all these parts. Numbers are little endian.
var magic = [8]byte{'g', 'a', 't', 'e', 'm', 'e', 'm', 3}

// withoutRecords is the version before session records.
const withoutRecords = 2

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

// Snapshot writes all entries and session records to w. It includes every change that
// returned before Snapshot was called. Checks and writes continue while it runs. The
// records hold subjects and devices as plain text.
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
	for i := range s.records.shards {
		_, _ = buf.Write(s.records.shards[i].encode())
	}
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

// Read returns a store with the entries and session records of a snapshot, without the
// expired ones. It reads to the end of r. A snapshot of an earlier version has no session
// records. It returns [ErrCorrupt], [ErrForeign], or [stores.ErrFull] if
// the snapshot has more than o.MaxTokens tokens; then there is no store.
func Read(r io.Reader, o Options) (*Store, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	in := &reader{r: br, sum: sha256.New()}
	got := [8]byte(in.bytes(len(magic)))
	if old := [8]byte(append(magic[:7:7], withoutRecords)); in.err == nil && got != magic && got != old {
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
	s.decode(in)
	if got == magic {
		s.decodeRecords(in)
	}
	if in.err != nil {
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
