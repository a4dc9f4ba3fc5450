package jwks

import "testing"

// TestCheckAddressPlain: http stays on this machine, even when the name localhost leads
// somewhere else.
func TestCheckAddressPlain(t *testing.T) {
	o := &Options{InsecureLoopback: true}
	for address, want := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "9.9.9.9:80": false, "nowhere": false} {
		if err := o.checkAddress(address, true); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}
