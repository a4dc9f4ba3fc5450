package gate

import "crypto/rand"

// newIDs fills a, b and c with random UUIDs, version 4 (RFC 9562 section 5.4).
func newIDs(a, b, c *[36]byte) {
	var r [48]byte
	rand.Read(r[:]) // never fails
	writeUUID(a, r[:16])
	writeUUID(b, r[16:32])
	writeUUID(c, r[32:])
}

func writeUUID(dst *[36]byte, r []byte) {
	const digits = "0123456789abcdef"
	r[6] = r[6]&0x0f | 0x40
	r[8] = r[8]&0x3f | 0x80
	j := 0
	for i, c := range r {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst[j] = '-'
			j++
		}
		dst[j], dst[j+1] = digits[c>>4], digits[c&15]
		j += 2
	}
}
