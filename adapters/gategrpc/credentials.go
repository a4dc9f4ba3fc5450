package gategrpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// A TokenSource returns a new token and the time when it expires. The zero time means
// never. It can use a login, a refresh token or a file, for example. Only one goroutine
// calls it at a time.
type TokenSource func(ctx context.Context) (raw string, expiry time.Time, err error)

// CredentialsOptions are the options of [NewCredentials].
type CredentialsOptions struct {
	// Within is how long before its expiry a token is replaced. The time is limited to half
	// of the token's lifetime. Default: 30 seconds.
	Within time.Duration
	// InsecureTransport also sends tokens over connections without TLS. Everybody on the
	// network can read them there. Use it only in tests, or for a sidecar on the same host.
	InsecureTransport bool
	// Clock returns the current time, for tests. Default: time.Now.
	Clock func() time.Time
}

// Credentials attach a token to each call of a client. Pass them to
// grpc.WithPerRPCCredentials. They are safe for concurrent use.
type Credentials struct {
	source TokenSource
	o      CredentialsOptions
	turn   chan struct{} // held by the goroutine that calls source
	mu     sync.Mutex
	kept   token // the last one
}

type token struct {
	raw    string
	expiry time.Time // zero: never
	renew  time.Time // when to get the next one
}

var _ credentials.PerRPCCredentials = (*Credentials)(nil)

// NewCredentials returns credentials with the tokens of source. A call that finds no
// token, or one that expires soon, calls source with its own context. Only one call does
// so at a time. Other calls use the old token while it is valid, and wait otherwise. If
// source fails and the old token is still valid, the old token is sent. Otherwise the call
// fails with the status of the error or, if it has none, with Unavailable.
func NewCredentials(source TokenSource, o CredentialsOptions) *Credentials {
	if o.Within <= 0 {
		o.Within = 30 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Credentials{source: source, o: o, turn: make(chan struct{}, 1)}
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (c *Credentials) RequireTransportSecurity() bool { return !c.o.InsecureTransport }

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (c *Credentials) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	raw, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + raw}, nil
}

// Forget deletes the token, so the next call gets a new one. Call it when a call was
// refused (Unauthenticated) before the token has expired.
func (c *Credentials) Forget() { c.swap(token{}) }

// token returns a valid token.
func (c *Credentials) token(ctx context.Context) (string, error) {
	t := c.peek()
	if t.raw != "" && c.before(t.renew) {
		return t.raw, nil
	}
	select {
	case c.turn <- struct{}{}:
	default:
		if c.valid(t) {
			return t.raw, nil
		}
		select {
		case c.turn <- struct{}{}:
		case <-ctx.Done():
			return "", status.FromContextError(ctx.Err()).Err()
		}
	}
	defer func() { <-c.turn }()
	if t = c.peek(); t.raw != "" && c.before(t.renew) { // got while this call waited
		return t.raw, nil
	}
	return c.renew(ctx, t)
}

// renew calls source. The caller must hold turn.
func (c *Credentials) renew(ctx context.Context, old token) (string, error) {
	raw, expiry, err := c.source(ctx)
	t := token{raw: raw, expiry: expiry}
	if !expiry.IsZero() {
		t.renew = expiry.Add(-min(c.o.Within, expiry.Sub(c.o.Clock())/2))
	}
	switch {
	case err == nil && c.valid(t):
		c.swap(t)
		return raw, nil
	case c.valid(old):
		return old.raw, nil
	case err == nil:
		err = errNoToken
	}
	if _, ok := status.FromError(err); ok {
		return "", err
	}
	if ctx.Err() != nil {
		return "", status.FromContextError(ctx.Err()).Err()
	}
	return "", status.Error(codes.Unavailable, "gategrpc: no token: "+err.Error())
}

var errNoToken = errors.New("the source returned an empty or expired token")

func (c *Credentials) valid(t token) bool { return t.raw != "" && c.before(t.expiry) }

// before reports whether the time is before at. A zero at means never, so the result is
// true.
func (c *Credentials) before(at time.Time) bool { return at.IsZero() || c.o.Clock().Before(at) }

func (c *Credentials) peek() token {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}

func (c *Credentials) swap(t token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = t
}
