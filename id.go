package gate

import (
	"crypto/rand"
	"encoding/hex"
)

// newIDs fills up to three ids with random UUIDs, version 4 (RFC 9562 section 5.4).
func newIDs(ids [][36]byte) {
	var buf [48]byte
	r := buf[:16*len(ids)]
	rand.Read(r) // never fails
	for i := range ids {
		writeUUID(&ids[i], r[16*i:16*i+16])
	}
}

func writeUUID(dst *[36]byte, r []byte) {
	r[6] = r[6]&0x0f | 0x40
	r[8] = r[8]&0x3f | 0x80
	hex.Encode(dst[:8], r[:4])
	hex.Encode(dst[9:13], r[4:6])
	hex.Encode(dst[14:18], r[6:8])
	hex.Encode(dst[19:23], r[8:10])
	hex.Encode(dst[24:], r[10:16])
	dst[8], dst[13], dst[18], dst[23] = '-', '-', '-', '-'
}
