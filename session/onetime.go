package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// OneTime makes and redeems tokens that can be used once: for a new password, the
// confirmation of an e-mail address, a download link, a WebSocket. These tokens have their
// own type ([gate.Create].Types). So no other route accepts them, and no other token is
// accepted in their place. [Manager.EndAll] revokes them too. Use [NewOneTime] to make a
// OneTime. It is safe for concurrent use.
type OneTime struct {
	gate  *gate.Gate
	store stores.Store
	typ   gate.TokenType
}

// NewOneTime returns a OneTime for tokens of the type typ, which must be in the gate's
// Create.Types. As with [New], the store must be the gate's blocklist.
func NewOneTime(g *gate.Gate, store stores.Store, typ gate.TokenType) (*OneTime, error) {
	switch {
	case g == nil:
		return nil, errors.New("session: the gate is nil")
	case !slices.Contains(g.Config().Create.Types, typ):
		return nil, fmt.Errorf("session: the gate issues no tokens of type %q; list it in its Create.Types", typ)
	case !sameStore(store, g.Config().Blocklist):
		return nil, errOtherStore
	}
	return &OneTime{g, store, typ}, nil
}

// Use says what a one-time token is for. A token is redeemed with the same Use that it was
// issued with.
type Use struct {
	// Purpose is what the token allows, such as "reset" or "download". Required.
	Purpose string
	// Context binds the token to one object: the file to download, the address to confirm,
	// the hash of the password to replace. The token contains only a hash of it. A value that
	// is easy to guess can be found from the hash.
	Context string
}

// OneTimeOptions are the options of [OneTime.Issue].
type OneTimeOptions struct {
	// ExpiresIn is the lifetime of the token, such as seconds for a ticket and hours for an
	// e-mail. Required.
	ExpiresIn time.Duration
	// From is the token of the request, if its user is logged in. The one-time token then
	// belongs to that session, and is revoked with it.
	From *gate.Token
	// Claims are added to the token. See [gate.TokenOptions].
	Claims map[string]any
}

const (
	purposeClaim = "purpose"
	contextClaim = "context_hash"
)

// Issue returns a new token for identity and use. The errors are those of [gate.Gate.Issue].
func (o *OneTime) Issue(ctx context.Context, identity any, use Use, opts OneTimeOptions) (string, error) {
	if use.Purpose == "" {
		return "", errNoPurpose
	}
	claims := map[string]any{purposeClaim: use.Purpose, contextClaim: use.hash()}
	for name, v := range opts.Claims {
		if _, taken := claims[name]; taken {
			return "", fmt.Errorf("session: the claim %q of one-time tokens has another meaning", name)
		}
		claims[name] = v
	}
	raw, _, err := o.gate.Issue(ctx, o.typ, identity, gate.TokenOptions{ExpiresIn: opts.ExpiresIn, From: opts.From, Claims: claims})
	return raw, err
}

var errNoPurpose = errors.New("session: a one-time token needs a purpose")

// Check checks a token as [OneTime.Redeem] does, but does not redeem it. Use it for the
// page with the form, because mail programs open links in e-mails. The errors are those of
// [gate.Gate.CheckToken]; the error is [gate.ErrRejected] if the token is for another use.
func (o *OneTime) Check(ctx context.Context, raw string, use Use) (*gate.Token, error) {
	if use.Purpose == "" {
		return nil, errNoPurpose
	}
	return o.gate.CheckToken(ctx, raw, gate.Policy{Type: o.typ, Allow: func(_ context.Context, t *gate.Token) error { return use.match(t) }})
}

// Redeem checks a token as [OneTime.Check] does, and redeems it. Of all calls with one
// token, on all nodes, only one succeeds. The others return [gate.ErrRevoked]. After an
// error of the store the token may already be redeemed.
func (o *OneTime) Redeem(ctx context.Context, raw string, use Use) (*gate.Token, error) {
	t, err := o.Check(ctx, raw, use)
	if err != nil {
		return nil, err
	}
	switch first, err := o.store.Redeem(ctx, t, stores.Note{By: t.Subject, Why: "redeemed: " + use.Purpose}); {
	case err != nil:
		return nil, fmt.Errorf("session: redeeming: %w", err)
	case !first:
		return nil, fmt.Errorf("session: the token was redeemed before: %w", gate.ErrRevoked)
	}
	return t, nil
}

// hash returns the hash of the context for the token. It covers the purpose as well, so
// the same context has another hash for another purpose.
func (u Use) hash() string {
	sum := sha256.Sum256([]byte(u.Purpose + "\x00" + u.Context))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (u Use) match(t *gate.Token) error {
	var claims struct {
		Purpose string `json:"purpose"`
		Context string `json:"context_hash"`
	}
	err := t.Claims(&claims)
	if err != nil || claims.Purpose != u.Purpose || subtle.ConstantTimeCompare([]byte(claims.Context), []byte(u.hash())) != 1 {
		return errors.New("session: the token is for another use")
	}
	return nil
}
