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

// A TokenSource gets a new token, and when it expires (the zero time for never). It may use
// a login, a refresh token or a file. It is called by one goroutine at a time.
type TokenSource func(ctx context.Context) (raw string, expiry time.Time, err error)

// CredentialsOptions are the options of [NewCredentials].
type CredentialsOptions struct {
	// Within is how long before its expiry a token is replaced, but no longer than half of
	// the time that it lasts. Default: 30 seconds.
	Within time.Duration
	// InsecureTransport also sends tokens over connections without TLS, on which
	// everybody on the way can take them. It is for tests, and for a sidecar on the same
	// host.
	InsecureTransport bool
	// Clock tells the time, for tests. Default: time.Now.
	Clock func() time.Time
}

// Credentials attach a token to each call of a client: grpc.WithPerRPCCredentials. They are
// safe for concurrent use.
type Credentials struct {
	source TokenSource
	o      CredentialsOptions
	turn   chan struct{} // held by who calls source
	mu     sync.Mutex
	kept   token // the last one
}

type token struct {
	raw    string
	expiry time.Time // zero: never
	renew  time.Time // when to get the next one
}

var _ credentials.PerRPCCredentials = (*Credentials)(nil)

// NewCredentials returns credentials with the tokens of source. One call at a time asks
// source, with its own context, when there is no token or when it expires soon. The others
// go on with the old token as long as it is valid, and wait otherwise. If source fails and
// the old token is still valid, that is sent. Otherwise the call fails with the status of
// the error or, if it has none, with Unavailable.
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

// Forget drops the token, so that the next call gets a new one: for a client whose call was
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

// renew asks the source. The caller has the turn.
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

// before reports whether it is before at, which may be zero for never.
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
