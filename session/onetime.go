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

// OneTime makes and redeems tokens that count once: for a new password, the confirmation
// of an e-mail address, a download link, a WebSocket. They are of a type of their own
// ([gate.Create].Types), so that they open nothing else, and no other token is taken for
// one. They end with the sessions of their user ([Manager.EndAll]). Make one with
// [NewOneTime]; it is safe for concurrent use.
type OneTime struct {
	gate  *gate.Gate
	store stores.Store
	typ   gate.TokenType
}

// NewOneTime returns a OneTime for tokens of a type that the gate lists in Create.Types.
// Like [New] it refuses a store that is not the gate's blocklist.
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

// Use says what a one-time token is for. To redeem it takes the same Use.
type Use struct {
	// Purpose is what the token allows, such as "reset" or "download". Required.
	Purpose string
	// Context binds the token to what it is about: the file to download, the address to
	// confirm, the hash of the password that is to be replaced. It is not in the token, but
	// a hash of it is, which shows nothing of a value that is hard to guess.
	Context string
}

// OneTimeOptions say how a one-time token is made.
type OneTimeOptions struct {
	// ExpiresIn is the lifetime: seconds for a ticket, hours for an e-mail. Required.
	ExpiresIn time.Duration
	// From is the token of the request that asks, where somebody is logged in: the
	// one-time token then belongs to its session, and ends with it.
	From *gate.Token
	// Claims are added to the token: see [gate.TokenOptions].
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

// Check returns a token that would be redeemed, and leaves it as it is: for the page with
// the form, since programs that look at e-mails open the links in them. The errors are
// those of [gate.Gate.CheckToken], and [gate.ErrRejected] where the token is for another
// use.
func (o *OneTime) Check(ctx context.Context, raw string, use Use) (*gate.Token, error) {
	if use.Purpose == "" {
		return nil, errNoPurpose
	}
	return o.gate.CheckToken(ctx, raw, gate.Policy{Type: o.typ, Allow: func(_ context.Context, t *gate.Token) error { return use.match(t) }})
}

// Redeem is Check, and takes the token: of any number of calls with one token, on any
// number of nodes, one succeeds, and the others return [gate.ErrRevoked]. After an error
// of the store the token may be spent.
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

// hash is what a token holds of the context. The purpose is hashed in, so that equal
// contexts of two purposes differ.
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
