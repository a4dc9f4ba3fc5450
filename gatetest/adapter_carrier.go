package gatetest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// carrier is a way from client to server.
type carrier struct {
	name, scheme string
	listen       func(t *testing.T, protocols []string) (l net.Listener, transport *http.Transport)
	protocols    []string // over TLS
}

func (c carrier) with(protocols []string) carrier {
	c.protocols = protocols
	return c
}

var carriers = []carrier{
	{name: "in process", scheme: "http", listen: listenInProcess},
	{name: "TCP", scheme: "http", listen: listenTCP},
	{name: "TLS", scheme: "https", listen: listenTLS},
}

// start serves until the end of the test, and returns a client to whom every host is the
// server.
func (c carrier) start(t *testing.T, serve func(net.Listener) error) *http.Client {
	l, transport := c.listen(t, c.protocols)
	ended := make(chan error, 1)
	go func() { ended <- serve(l) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		l.Close()
		if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving ended: %v", err)
		}
	})
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func listenTCP(t *testing.T, _ []string) (net.Listener, *http.Transport) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l, &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}}
}

// listenTLS has the certificate of httptest, which is for example.com.
func listenTLS(t *testing.T, protocols []string) (net.Listener, *http.Transport) {
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	defer lender.Close()
	l, transport := listenTCP(t, nil)
	pool := x509.NewCertPool()
	pool.AddCert(lender.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, ServerName: "example.com"}
	transport.ForceAttemptHTTP2 = slices.Contains(protocols, "h2")
	return tls.NewListener(l, &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: protocols}), transport
}

// pipes is a listener to which the client hands one end of a pipe.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func listenInProcess(*testing.T, []string) (net.Listener, *http.Transport) {
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	return p, &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case p.conns <- server:
			return client, nil
		case <-p.done:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
