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

// Options has options that Flask-JWT-Extended does not have, and its callbacks for
// keys. The zero value is used by [New] and [FromEnv].
type Options struct {
	// InsecureShortSecrets accepts a secret shorter than its hash (32, 48 or 64 bytes),
	// as Flask-JWT-Extended does. Set it until you have changed the secret.
	InsecureShortSecrets bool
	// EncodeKey is encode_key_loader. It returns the key that signs a token for identity:
	// a secret or a PEM, as JWT_ALGORITHM requires. Default: the configured key.
	EncodeKey func(ctx context.Context, identity any) (string, error)
	// DecodeKey is decode_key_loader. It returns the key that verifies a token with this
	// header and these claims, which are not verified yet. "" refuses the token; an error
	// is answered with 503. Default: the configured key.
	//
	// The results of both functions are parsed on every call. If that is too slow, set
	// Keys.
	DecodeKey func(ctx context.Context, header, claims map[string]any) (string, error)
	// Keys replaces all key options and both callbacks.
	Keys keys.Source
}

// New returns a gate with the options of Flask-JWT-Extended: SECRET_KEY and those that
// begin with JWT_. Other names are ignored. Options that are absent have the defaults
// of Flask-JWT-Extended. edit may be nil; it may change the configuration, for example
// set Blocklist and LoadUser, which are callbacks in Flask-JWT-Extended.
//
// Values have the types that a Python application would use: bool, string, a list
// ([]string or []any of strings) or one string in its place, nil for None, and a
// number of seconds or a [time.Duration] for times. A lifetime of false or 0 is
// [gate.NoExpiry]. Keys and secrets are strings or []byte.
//
// The error names every option that does not exist or has a wrong value and says what
// is accepted. It never contains the value of a secret or key. Missing, weak or
// malformed keys are errors too, and so is what [gate.New] refuses.
func New(options map[string]any, edit func(*gate.Config)) (*gate.Gate, error) {
	return Options{}.New(options, edit)
}

// New is [New] with these additional options.
func (o Options) New(options map[string]any, edit func(*gate.Config)) (*gate.Gate, error) {
	s, err := read(options)
	if err != nil {
		return nil, err
	}
	cfg := s.cfg
	if cfg.Locations, err = s.places.find(s.locations); err != nil {
		return nil, err
	}
	if cfg.Keys, err = o.source(s); err != nil {
		return nil, err
	}
	cfg.OnError, s.compat.Places = Errors(s.messageKey), s.places
	if edit != nil {
		edit(&cfg)
	}
	g, err := compat.New(cfg, s.compat)
	if err != nil {
		return nil, err
	}
	return g.(*gate.Gate), nil
}

// FromEnv is [New] with options from environment variables, in the form of
// os.Environ(). Empty variables count as unset, except JWT_HEADER_TYPE. Lists are
// comma separated or JSON, and [] is the empty one; times are seconds, a [time.Duration]
// such as 15m, or False; booleans are true, false, 1 or 0 in any case. None leaves an
// option that may be None at its default, except JWT_COOKIE_SAMESITE, where it is a value.
//
// Other variables are ignored, since programs share an environment. One that begins with
// JWT_ is an error if it is an option of an older version or looks like a misspelled one.
func FromEnv(environ []string, edit func(*gate.Config)) (*gate.Gate, error) {
	return Options{}.FromEnv(environ, edit)
}

// FromEnv is [FromEnv] with these additional options.
func (o Options) FromEnv(environ []string, edit func(*gate.Config)) (*gate.Gate, error) {
	options := map[string]any{}
	var errs []error
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		opt, known := table[name]
		switch {
		case text == "" && name != "JWT_HEADER_TYPE":
		case known:
			v, ok := opt.fromEnv(text)
			if !ok {
				errs = append(errs, opt.wrong(name, text))
			}
			options[name] = v
		case former[name] != "" || nearest(name) != "":
			errs = append(errs, unknown(name))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return o.New(options, edit)
}

// Locations returns the locations for [gate.Policy.Locations] by their names in
// Flask-JWT-Extended: "headers", "cookies", "query_string" and "json". g comes from [New]
// or [FromEnv]; its options have the names of header, parameter and members.
func Locations(g *gate.Gate, names ...string) ([]gate.Location, error) {
	if g == nil {
		return nil, errNoManager
	}
	places, ok := compat.OptionsOf(g).Places.(placeNames)
	if !ok {
		return nil, errors.New("flask: Locations needs a gate of flask.New or flask.FromEnv")
	}
	for _, name := range names {
		if !slices.Contains(locationNames, name) {
			return nil, fmt.Errorf("flask: '%s' is not a valid location; use %s", name, strings.Join(locationNames, ", "))
		}
	}
	return places.find(names)
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
		Limits:      gate.Limits{TokenBytes: maxToken, Members: 32 << 10, Depth: 512}, // more than a request can have
		Lenient: gate.Lenient{
			NoExpiry: true, NoID: true, AnyType: true, AnyFresh: true,
			AnyOrigin: true, AnyHeaderType: true, AnyContentType: true,
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
			errs = append(errs, unknown(name))
		case !ok:
		case !opt.set(s, options[name]):
			errs = append(errs, opt.wrong(name, options[name]))
		}
	}
	return s, errors.Join(errs...)
}
