// Package safehttp fetches documents from other servers. By default it uses only https and
// public addresses. It follows redirects only on the same origin, and limits size and
// time.
package safehttp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Rules say which servers may be called. The zero value allows only public ones.
type Rules struct {
	InsecureLoopback bool           // also http, and addresses of this machine
	Networks         []netip.Prefix // private networks that are allowed
	OwnClient        bool           // the caller uses its own client: http is allowed, addresses are not checked
	Timeout          time.Duration  // of each step; the caller limits the total
}

// Parse checks a URL. what is its name in errors, such as "the URL of the set".
func (r *Rules) Parse(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, fmt.Errorf("%s is not an absolute URL", what)
	case u.User != nil:
		return nil, fmt.Errorf("%s holds a password; give a Client that adds it", what)
	case u.Scheme == "https" || u.Scheme == "http" && (r.OwnClient || r.InsecureLoopback && IsLoopback(u.Hostname())):
		return u, nil
	}
	return nil, fmt.Errorf("%s has the scheme %q; use https, or http with Options.InsecureLoopback for a server on this machine, or with Options.Client for another one in development", what, u.Scheme)
}

// IsLoopback reports whether a host is this machine.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// maxRedirects is the largest number of redirects, all on one origin.
const maxRedirects = 3

// Client returns a client with these rules. plain means that the URL has the scheme http.
// The client closes its connections, because there are minutes between two fetches.
func (r *Rules) Client(plain bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: r.Timeout,
		Control: func(_, address string, _ syscall.RawConn) error { return r.checkAddress(address, plain) },
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    r.Timeout,
			MaxResponseHeaderBytes: 64 << 10,
			// Without compression, the limit on bytes is also the limit on memory.
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
		return errors.New("redirected to another origin; give the URL that it leads to")
	}
	return nil
}

// public6 is the part of IPv6 from which public addresses are given out.
var public6 = netip.MustParsePrefix("2000::/3")

// reserved lists networks that have no public servers, in addition to those that netip
// knows, and to IPv6 outside of public6.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// checkAddress is called before each connection, after the name was resolved.
func (r *Rules) checkAddress(address string, plain bool) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap().WithZone("")
	switch {
	case ip.IsLoopback():
		if r.InsecureLoopback {
			return nil
		}
	case plain:
		return fmt.Errorf("http is for this machine alone, and the name leads to %s", ip)
	case within(r.Networks, ip), public(ip):
		return nil
	}
	return fmt.Errorf("the address %s is private, local or reserved; Options.Networks or Options.InsecureLoopback can allow it", ip)
}

func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && (ip.Is4() || public6.Contains(ip)) && !within(reserved, ip)
}

func within(networks []netip.Prefix, ip netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// maxBytes is the largest size of an answer.
const maxBytes = 1 << 20

var errTooLong = errors.New("the answer is longer than 1 MiB")

// ReadBody reads an answer of at most 1 MiB. It allocates at most about twice that size.
func ReadBody(res *http.Response) ([]byte, error) {
	if res.ContentLength > maxBytes {
		return nil, errTooLong
	}
	text := make([]byte, 0, max(res.ContentLength+1, 16<<10))
	for {
		n, err := res.Body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > maxBytes:
			return nil, errTooLong
		case err == io.EOF:
			return text, nil
		case err != nil:
			return nil, err
		case len(text) == cap(text):
			text = append(make([]byte, 0, min(4*cap(text)+1, maxBytes+1)), text...)
		}
	}
}
