package flask_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// app is the web application of one case.
type app struct {
	c       testCase
	gate    *gate.Gate
	options map[string]any
	routes  []servedRoute
	now     time.Time // of the request
	calls   []string  // callbacks that ran
	revoked []string
	failure error  // of the handler: the request died with it
	unknown string // behaviour that the runner does not know
}

// servedRoute is a route with its policy.
type servedRoute struct {
	route
	policy gate.Policy
}

// newApp builds the application. An error means that the configuration is refused.
func newApp(c testCase) (*app, error) {
	a := &app{c: c, options: map[string]any{}, now: unixTime(c.Clock)}
	for name, v := range c.Config {
		a.options[name] = standIns(v, c, a.now)
	}
	if c.Manager == "none" {
		return a, a.addRoutes()
	}
	o := flask.Options{InsecureShortSecrets: true}
	a.keyLoaders(&o)
	var err error
	a.gate, err = o.New(a.options, func(cfg *gate.Config) {
		cfg.Clock = func() time.Time { return a.now }
		a.hooks(cfg)
		a.answers(cfg)
	})
	if err != nil {
		return nil, err
	}
	return a, a.addRoutes()
}

func (a *app) addRoutes() error {
	for _, r := range a.c.Routes {
		if r.Methods == nil {
			r.Methods = []string{http.MethodGet}
		}
		s := servedRoute{route: r}
		if r.Guard != nil && a.gate != nil {
			var err error
			if s.policy, err = a.policy(*r.Guard); err != nil {
				return err
			}
		}
		a.routes = append(a.routes, s)
	}
	return nil
}

// policy turns the arguments of jwt_required into a Policy.
func (a *app) policy(g guard) (gate.Policy, error) {
	p := gate.Policy{Optional: g.Optional, Fresh: g.Fresh, SkipBlocklist: g.SkipRevocation}
	switch {
	case g.VerifyType != nil && !*g.VerifyType:
		p.Type = gate.AnyTokenType
	case g.Refresh:
		p.Type = gate.Refresh
	}
	var names []string
	switch v := g.Locations.(type) {
	case string:
		names = []string{v}
	case []any:
		for _, s := range v {
			names = append(names, s.(string))
		}
	}
	if len(names) == 0 {
		return p, nil
	}
	var err error
	p.Locations, err = flask.Locations(a.gate, names...)
	return p, err
}

func (a *app) call(name string) { a.calls = append(a.calls, name+"_loader") }

// keyLoaders registers encode_key and decode_key.
func (a *app) keyLoaders(o *flask.Options) {
	if l, ok := a.c.Loaders["encode_key"]; ok {
		o.EncodeKey = func(_ context.Context, identity any) (string, error) {
			a.call("encode_key")
			return a.loaderKey(l, plainText(identity))
		}
	}
	if l, ok := a.c.Loaders["decode_key"]; ok {
		o.DecodeKey = func(_ context.Context, header, claims map[string]any) (string, error) {
			a.call("decode_key")
			if name, ok := l["by_header"].(string); ok {
				return a.loaderKey(l, plainText(header[name]))
			}
			name, _ := l["by_claim"].(string)
			return a.loaderKey(l, plainText(claims[name]))
		}
	}
}

func (a *app) loaderKey(l object, name string) (string, error) {
	text, ok := l["key"].(string)
	if byName, isMap := l["map"].(object); isMap {
		text, ok = byName[name].(string)
	}
	if !ok {
		text, ok = l["default"].(string)
	}
	if !ok {
		return "", errors.New("no such key")
	}
	return keyText(text, a.c), nil
}

// hooks registers the callbacks that mint and judge tokens.
func (a *app) hooks(cfg *gate.Config) {
	l := a.c.Loaders
	if l["additional_headers"] != nil || l["additional_claims"] != nil || l["user_identity"] != nil {
		cfg.Prepare = a.prepare
	}
	if list := l["token_in_blocklist"]; list != nil {
		for _, id := range slice(list["jtis"]) {
			a.revoked = append(a.revoked, id.(string))
		}
		cfg.Blocklist = gate.BlocklistFunc(func(_ context.Context, t *gate.Token) (bool, error) {
			a.call("token_in_blocklist")
			if name, ok := list["claim"].(string); ok {
				same := func(v any) bool { return reflect.DeepEqual(v, claims(t)[name]) }
				return slices.ContainsFunc(slice(list["values"]), same), nil
			}
			return slices.Contains(a.revoked, t.ID), nil
		})
	}
	if v := l["token_verification"]; v != nil {
		cfg.Verify = func(_ context.Context, t *gate.Token) error {
			a.call("token_verification")
			if !verified(v, t) {
				return errors.New("not this one")
			}
			return nil
		}
	}
	if u := l["user_lookup"]; u != nil {
		cfg.LoadUser = func(_ context.Context, t *gate.Token) (any, error) {
			a.call("user_lookup")
			if v, ok := u["result"]; ok {
				return v, nil
			}
			name := "sub"
			if s, ok := u["claim"].(string); ok {
				name = s
			}
			return u["users"].(object)[plainText(claims(t)[name])], nil
		}
	}
}

// plainText is the text of a string, and the JSON text of anything else.
func plainText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v)
	return string(text)
}

func verified(l object, t *gate.Token) bool {
	if name, ok := l["claim"].(string); ok {
		return reflect.DeepEqual(claims(t)[name], l["equals"])
	}
	if name, ok := l["header"].(string); ok {
		return reflect.DeepEqual(header(t)[name], l["equals"])
	}
	return truthy(l["result"])
}

// prepare runs the callbacks of minting, in the original's order.
func (a *app) prepare(_ context.Context, d *gate.Draft) error {
	fill := func(s string) (any, bool) { return identityField(d.Identity, s) }
	if l := a.c.Loaders["additional_headers"]; l != nil {
		a.call("additional_headers")
		extra, ok := replaced(l["headers"], fill).(object)
		if !ok {
			return errors.New("no headers")
		}
		maps.Copy(d.Header, extra)
	}
	if l := a.c.Loaders["additional_claims"]; l != nil {
		a.call("additional_claims")
		extra, ok := replaced(l["claims"], fill).(object)
		if !ok {
			return errors.New("no claims")
		}
		maps.Copy(d.Claims, extra)
	}
	if l := a.c.Loaders["user_identity"]; l != nil {
		a.call("user_identity")
		if field, ok := l["field"].(string); ok {
			d.Identity = d.Identity.(object)[field]
		} else if prefix, ok := l["prefix"].(string); ok {
			d.Identity = prefix + plainText(d.Identity)
		} else {
			d.Identity = l["result"]
		}
	}
	return nil
}

// identityField resolves ${identity} and ${identity.FIELD}.
func identityField(identity any, name string) (any, bool) {
	if name == "identity" {
		return identity, true
	}
	field, ok := strings.CutPrefix(name, "identity.")
	if !ok {
		return nil, false
	}
	o, _ := identity.(object)
	return o[field], true
}

// errorLoaders are the callbacks that answer, by the kind of error.
var errorLoaders = []struct {
	kind error
	name string
}{
	{gate.ErrMissing, "unauthorized"},
	{gate.ErrCSRF, "unauthorized"},
	{gate.ErrInvalid, "invalid_token"},
	{gate.ErrWrongType, "invalid_token"},
	{gate.ErrExpired, "expired_token"},
	{gate.ErrNotFresh, "needs_fresh_token"},
	{gate.ErrRevoked, "revoked_token"},
	{gate.ErrRejected, "token_verification_failed"},
	{gate.ErrNoUser, "user_lookup_error"},
}

// answers puts the registered callbacks before the answers of package flask.
func (a *app) answers(cfg *gate.Config) {
	standard := cfg.OnError
	cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) {
		for _, l := range errorLoaders {
			if custom := a.c.Loaders[l.name]; custom != nil && errors.Is(err, l.kind) {
				a.call(l.name)
				writeCustom(w, custom, err)
				return
			}
		}
		if e := (*gate.Error)(nil); !errors.As(err, &e) {
			a.failure = err // 503 here, an exception there
		}
		standard(w, r, err)
	}
}

func writeCustom(w http.ResponseWriter, l object, err error) {
	fill := func(name string) (any, bool) {
		var e *gate.Error
		what, field, _ := strings.Cut(name, ".")
		if what == "error" {
			return flask.Message(err), true
		}
		if !errors.As(err, &e) || e.Token == nil {
			return nil, false
		}
		members := claims(e.Token)
		if what == "header" {
			members = header(e.Token)
		}
		if field == "" {
			return members, true
		}
		return members[field], true
	}
	if extra, ok := l["headers"].(object); ok {
		for name, v := range extra {
			w.Header().Set(name, plainText(replaced(v, fill)))
		}
	}
	status := int(l["status"].(float64))
	if text, ok := l["text"].(string); ok {
		w.WriteHeader(status)
		fmt.Fprint(w, plainText(replaced(text, fill)))
		return
	}
	writeJSON(w, status, replaced(l["json"], fill))
}

func claims(t *gate.Token) object {
	all, _ := flask.GetJWT(gate.NewContext(context.Background(), t))
	return all
}

func header(t *gate.Token) object {
	all, _ := flask.GetJWTHeader(gate.NewContext(context.Background(), t))
	return all
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
