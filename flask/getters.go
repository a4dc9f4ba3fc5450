package flask

import (
	"context"
	"errors"
	"fmt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
)

// The original's words, for a handler that was ported without its guard or callback.
var (
	errUnguarded = errors.New("flask: You must call `@jwt_required()` or `verify_jwt_in_request()` before using this method")
	errNoManager = errors.New("flask: You must initialize a JWTManager with this flask application before using this method (the gate is nil)")
	errNoLookup  = errors.New("flask: You must provide a `@jwt.user_lookup_loader` callback to use this method")
)

// token returns the token of the request, or nil if it has none.
func token(ctx context.Context) (*gate.Token, error) {
	if !gate.Guarded(ctx) {
		return nil, errUnguarded
	}
	t, _ := gate.FromContext(ctx)
	return t, nil
}

// GetJWT returns the claims of the request's token. Absent claims have the values of
// Flask-JWT-Extended: "jti" null, "type" access, "fresh" false. On an optional route
// without a token the map is empty. GetJWT, GetJWTHeader, GetJWTIdentity and
// GetCurrentUser return an error in a handler that has no guard.
func GetJWT(ctx context.Context) (map[string]any, error) {
	t, err := token(ctx)
	if err != nil || t == nil {
		return map[string]any{}, err
	}
	return claimsOf(t)
}

func claimsOf(t *gate.Token) (map[string]any, error) {
	var claims map[string]any
	if err := t.Claims(&claims); err != nil {
		return nil, fmt.Errorf("flask: %w", err)
	}
	return withDefaults(claims), nil
}

// withDefaults adds what tokens of other makers may lack.
func withDefaults(claims map[string]any) map[string]any {
	for name, v := range map[string]any{"jti": nil, "type": "access", "fresh": false} {
		if _, ok := claims[name]; !ok {
			claims[name] = v
		}
	}
	return claims
}

// GetJWTHeader returns the header of the request's token; it is empty for a request
// without a token.
func GetJWTHeader(ctx context.Context) (map[string]any, error) {
	header := map[string]any{}
	t, err := token(ctx)
	if err != nil || t == nil {
		return header, err
	}
	err = t.Header(&header)
	return header, err
}

// GetJWTIdentity returns the value of the identity claim; nil for a request without a
// token.
func GetJWTIdentity(ctx context.Context) (any, error) {
	t, err := token(ctx)
	if err != nil || t == nil {
		return nil, err
	}
	return t.Identity(), nil
}

// GetJWTRequestLocation returns where the token was found: "headers", "cookies",
// "query_string" or "json"; "" for a request without a token.
func GetJWTRequestLocation(ctx context.Context) string {
	t, ok := gate.FromContext(ctx)
	if !ok {
		return ""
	}
	return place(t.Location())
}

// GetCurrentUser returns the user that Config.LoadUser loaded; nil for a request
// without a token. If you know its type, [gate.User] is simpler.
func GetCurrentUser(ctx context.Context) (any, error) {
	t, err := token(ctx)
	if err != nil || t == nil {
		return nil, err
	}
	user, ok := gate.User[any](ctx)
	if !ok {
		return nil, errNoLookup
	}
	return user, nil
}

// DecodeToken is decode_token: it returns the claims of a token that
// [gate.Gate.Decode] accepts, with the defaults of [GetJWT]. For get_jti use its
// "jti".
func DecodeToken(ctx context.Context, g *gate.Gate, raw string, o gate.DecodeOptions) (map[string]any, error) {
	if g == nil {
		return nil, errNoManager
	}
	t, err := g.Decode(ctx, raw, o)
	if err != nil {
		return nil, err
	}
	return claimsOf(t)
}

// GetCSRFToken is get_csrf_token: it returns the CSRF value of a token that
// [gate.Gate.Decode] accepts. A token without one is an error.
func GetCSRFToken(ctx context.Context, g *gate.Gate, raw string) (string, error) {
	claims, err := DecodeToken(ctx, g, raw, gate.DecodeOptions{})
	if err != nil {
		return "", err
	}
	value, _ := claims["csrf"].(string)
	if value == "" {
		return "", errors.New("flask: the token has no claim csrf; was it made with JWT_COOKIE_CSRF_PROTECT?")
	}
	return value, nil
}

// GetUnverifiedJWTHeaders is get_unverified_jwt_headers: it returns the header of a
// token of up to 64 KiB, the limit of a guard. The signature is not verified.
func GetUnverifiedJWTHeaders(raw string) (map[string]any, error) {
	return compat.PeekHeader(raw, maxToken)
}
