package safehttp

import (
	"net/netip"
	"testing"
)

// TestCheckAddress has the addresses that a test cannot connect to.
func TestCheckAddress(t *testing.T) {
	named := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}
	for _, tt := range []struct {
		address string
		plain   bool
		want    bool
	}{
		{"9.9.9.9:443", false, true},
		{"[2620:fe::fe]:443", false, true},
		{"10.1.0.1:443", false, true},
		{"[::ffff:10.1.0.1]:443", false, true},
		{"[fd00:1::1]:443", false, true},
		{"10.2.0.1:443", false, false},
		{"[fd00:2::1]:443", false, false},
		{"[::7f00:1]:443", false, false}, // forms of IPv6 that hold an address of IPv4
		{"[64:ff9b::a02:1]:443", false, false},
		{"[::ffff:0:a02:1]:443", false, false},
		{"[2002:a02:1::]:443", false, false},
		{"[5f00::1]:443", false, false},
		{"[fec0::1]:443", false, false},
		{"[3fff::1]:443", false, false},
		{"192.88.99.1:443", false, false},
		{"127.0.0.1:443", false, true},
		{"127.0.0.1:80", true, true},
		{"[::1]:80", true, true},
		// The name localhost may lead anywhere, and http stays on this machine.
		{"9.9.9.9:80", true, false},
		{"10.1.0.1:80", true, false},
		{"nowhere", true, false},
	} {
		o := &Rules{InsecureLoopback: true, Networks: named}
		if err := o.checkAddress(tt.address, tt.plain); (err == nil) != tt.want {
			t.Errorf("%s, http %v: %v", tt.address, tt.plain, err)
		}
	}
}
