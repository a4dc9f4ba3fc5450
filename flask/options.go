package flask

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
	"github.com/jwtgate/gate/keys"
)

// Options are what goes beside the options of the original. The zero value is what
// [New] and [FromEnv] use.
type Options struct {
	// InsecureShortSecrets takes a secret shorter than its hash (32, 48 or 64
	// bytes), as the original does: until the secret is changed.
	InsecureShortSecrets bool
	// EncodeKey is encode_key_loader: the text of the key that signs a token for
	// identity, a secret or PEM as JWT_ALGORITHM asks. nil: the configured key.
	EncodeKey func(ctx context.Context, identity any) (string, error)
	// DecodeKey is decode_key_loader: the text of the key that verifies a token of
	// this header and these claims, of which nothing is verified. An empty text
	// refuses the token; an error is answered with 503. nil: the configured key.
	//
	// The texts of both are parsed on every call. Where that is too slow set Keys.
	DecodeKey func(ctx context.Context, header, claims map[string]any) (string, error)
	// Keys take the place of all key options and of the two callbacks.
	Keys keys.Source
}

// New returns the gate that the options of Flask-JWT-Extended describe: the JWT_ ones
// and SECRET_KEY; other names are ignored. Options that are absent have the original's
// defaults. edit, unless it is nil, may change the configuration first: set Blocklist,
// LoadUser and so on, which are callbacks of the original.
//
// Values are of the type that a Python application would use: bool, string, a list
// ([]string or []any of strings) or a string alone, nil for None, and for times a
// number of seconds or a [time.Duration]; a lifetime of false or 0 is [gate.NoExpiry].
// Keys and secrets are strings or []byte.
//
// The error names every option that does not exist or has a wrong value, with what is
// accepted, but never the value of a secret or key. It may also be that the keys are
// missing, weak or malformed, or that of [gate.New].
func New(options map[string]any, edit func(*gate.Config)) (*gate.Gate, error) {
	return Options{}.New(options, edit)
}

// New is [New] with o beside the options.
func (o Options) New(options map[string]any, edit func(*gate.Config)) (*gate.Gate, error) {
	s, err := read(options)
	if err != nil {
		return nil, err
	}
	cfg := s.cfg
	if cfg.Locations, err = s.find(s.locations); err != nil {
		return nil, err
	}
	if cfg.Keys, err = o.source(s); err != nil {
		return nil, err
	}
	cfg.OnError = Errors(s.messageKey)
	if edit != nil {
		edit(&cfg)
	}
	g, err := compat.New(cfg, s.compat)
	if err != nil {
		return nil, err
	}
	return g.(*gate.Gate), nil
}

// FromEnv is [New] for options from environment variables, such as os.Environ()
// returns. Variables that are empty count as unset, but for JWT_HEADER_TYPE. Lists
// are comma separated or JSON, times are seconds, a [time.Duration] such as 15m, or
// False, booleans are true, false, 1 or 0 in any case. Variables whose names do not
// begin with JWT_ are ignored, but for SECRET_KEY.
func FromEnv(environ []string, edit func(*gate.Config)) (*gate.Gate, error) {
	return Options{}.FromEnv(environ, edit)
}

// FromEnv is [FromEnv] with o beside the options.
func (o Options) FromEnv(environ []string, edit func(*gate.Config)) (*gate.Gate, error) {
	options := map[string]any{}
	var errs []error
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		opt, known := table[name]
		switch {
		case text == "" && name != "JWT_HEADER_TYPE":
		case known:
			v, ok := opt.parse(text)
			if !ok {
				errs = append(errs, opt.wrong(name, text))
			}
			options[name] = v
		default:
			options[name] = text // unknown, if it begins with JWT_
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return o.New(options, edit)
}

// Locations returns the places for [gate.Policy.Locations] by their names in the
// original: "headers", "cookies", "query_string" and "json". options are those given
// to [New], which hold the names of header, parameter and members.
func Locations(options map[string]any, names ...string) ([]gate.Location, error) {
	s, err := read(options)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.Contains(locationNames, name) {
			return nil, fmt.Errorf("flask: '%s' is not a valid location; use %s", name, strings.Join(locationNames, ", "))
		}
	}
	return s.find(names)
}

// settings is what the options are read into.
type settings struct {
	cfg        gate.Config
	places     placeNames
	locations  []string
	messageKey string
	keys       keyOptions
	compat     compat.Options
}

// placeNames are the names by which a token is found in a request.
type placeNames struct {
	header, scheme          string
	query, prefix           string
	jsonAccess, jsonRefresh string
}

// sessionAge is the age of cookies where JWT_SESSION_COOKIE is False: a year.
const sessionAge = 31540000 * time.Second

// defaults are the original's.
func defaults() *settings {
	s := &settings{
		places:     placeNames{"Authorization", "Bearer", "jwt", "", "access_token", "refresh_token"},
		locations:  []string{"headers"},
		messageKey: "msg",
		keys:       keyOptions{algorithm: keys.HS256},
		compat: compat.Options{AnyIdentity: true, EveryOPTIONS: true, OnePlace: true, FirstValue: true, SkipOrigin: true, OneScope: true,
			NoCaching: true, NewRenewal: true},
	}
	s.cfg.Create = gate.Create{OmitSession: true, OmitGeneration: true}
	s.cfg.Accept = gate.Accept{
		Skew:        -1,
		MaxLifetime: gate.NoExpiry,
		Limits:      gate.Limits{TokenBytes: 64 << 10, Members: 32 << 10, Depth: 512}, // more than a request can have
		Lenient: gate.Lenient{
			NoExpiry: true, NoID: true, AnyType: true, AnyFresh: true,
			AnyOrigin: true, AnyHeaderType: true,
		},
	}
	s.cfg.Cookies.Insecure = true
	s.cfg.Cookies.SameSite = http.SameSiteDefaultMode
	s.cfg.Cookies.CSRF.Methods = []string{"POST", "PUT", "PATCH", "DELETE"}
	return s
}

// read reads the options into settings.
func read(options map[string]any) (*settings, error) {
	s := defaults()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(options)) {
		opt, ok := table[name]
		switch {
		case !ok && strings.HasPrefix(name, "JWT_"):
			errs = append(errs, fmt.Errorf("flask: %s is not an option of Flask-JWT-Extended", name))
		case !ok:
		case !opt.set(s, options[name]):
			errs = append(errs, opt.wrong(name, options[name]))
		}
	}
	return s, errors.Join(errs...)
}
