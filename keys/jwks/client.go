package jwks

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
)

// parseURL checks the URL of a set.
func parseURL(text string, o *Options) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("keys/jwks: the URL of the set is not an absolute URL")
	case u.User != nil:
		return nil, errors.New("keys/jwks: the URL of the set holds a password; give a Client that adds it")
	case u.Scheme == "https" || u.Scheme == "http" && (o.Client != nil || o.InsecureLoopback && isLoopback(u.Hostname())):
		return u, nil
	}
	return nil, fmt.Errorf("keys/jwks: the URL of the set has the scheme %q; use https, or for a server on this machine http with Options.InsecureLoopback", u.Scheme)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// maxRedirects is how many redirects are followed, on one origin.
const maxRedirects = 3

// newClient returns a client with the rules of this package. It keeps no connection:
// there are minutes between two fetches.
func newClient(o *Options, plain bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: o.Timeout,
		Control: func(_, address string, _ syscall.RawConn) error { return o.checkAddress(address, plain) },
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    o.Timeout,
			MaxResponseHeaderBytes: 64 << 10,
			// The bound on bytes is for what is read, and nothing is inflated.
			DisableCompression: true,
			DisableKeepAlives:  true,
			ForceAttemptHTTP2:  true,
		},
		CheckRedirect: checkRedirect,
	}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	switch first := via[0].URL; {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case req.URL.Scheme != first.Scheme || req.URL.Host != first.Host:
		return errors.New("redirected to another origin; give the URL where the set is")
	}
	return nil
}

// reserved are the networks of no public server, beside those that netip knows.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// checkAddress is asked before each connection, when the name has been looked up.
func (o *Options) checkAddress(address string, plain bool) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap().WithZone("")
	switch {
	case ip.IsLoopback():
		if o.InsecureLoopback {
			return nil
		}
	case plain:
		return fmt.Errorf("http is for this machine alone, and the name leads to %s", ip)
	case within(o.Networks, ip), ip.IsGlobalUnicast() && !ip.IsPrivate() && !within(reserved, ip):
		return nil
	}
	return fmt.Errorf("the address %s is private, local or reserved; Options.Networks or Options.InsecureLoopback can allow it", ip)
}

func within(networks []netip.Prefix, ip netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
