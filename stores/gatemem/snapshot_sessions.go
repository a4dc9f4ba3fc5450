package gatemem

import (
	"encoding/binary"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// encode returns the number of records, and the records: texts with their lengths, then
// numbers. The expiry of a token is in seconds; other times are in microseconds.
func (h *recordShard) encode() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, b := 0, make([]byte, 4)
	for _, list := range h.m {
		n += len(list)
		for _, r := range list {
			b = appendRecord(b, r)
		}
	}
	binary.LittleEndian.PutUint32(b, uint32(n))
	return b
}

func appendRecord(b []byte, r stores.SessionRecord) []byte {
	for _, text := range [...]string{r.Subject, r.ID, r.Live, r.Device.Name, r.Device.UserAgent, r.Device.Address} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	remember := int64(0)
	if r.Remember {
		remember = 1
	}
	for _, n := range [...]int64{
		r.Generation, storekit.Seconds(r.Issued), storekit.Seconds(r.Expires), int64(r.Idle / time.Second), storekit.Seconds(r.End),
		storekit.Micros(r.Created), storekit.Micros(r.Seen), storekit.Micros(r.GraceEnd), storekit.Micros(r.Ended), remember,
	} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// record reads one record.
func (r *reader) record() stores.SessionRecord {
	return stores.SessionRecord{
		Subject: r.text(), ID: r.text(), Live: r.text(), Device: stores.Device{Name: r.text(), UserAgent: r.text(), Address: r.text()},
		Generation: r.int(), Issued: storekit.FromSeconds(r.int()), Expires: storekit.FromSeconds(r.int()),
		Idle: time.Duration(r.int()) * time.Second, End: storekit.FromSeconds(r.int()), Created: storekit.FromMicros(r.int()),
		Seen: storekit.FromMicros(r.int()), GraceEnd: storekit.FromMicros(r.int()), Ended: storekit.FromMicros(r.int()), Remember: r.int() != 0,
	}
}

// decode reads the records of a snapshot, without the expired ones.
func (s *Store) decodeRecords(in *reader) {
	now := s.clock()
	for range s.records.shards {
		for n := in.count(); n > 0 && in.err == nil; n-- {
			if r := in.record(); in.err == nil && !s.keep.SessionOver(r, now) {
				o := s.lock(r.Subject)
				o.add(r)
				o.unlock()
			}
		}
	}
}
