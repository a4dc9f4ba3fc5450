//go:build unix

package flask_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf16"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

type object = map[string]any

// spec is an application: testdata/app.py and newApp make the same of it.
type spec struct {
	Name    string   `json:"name"`
	Options object   `json:"options"`
	Loaders []string `json:"loaders,omitempty"`
	environ bool     // the options come from the environment, if that can hold them
}

// app is the application on our side.
type app struct {
	*http.ServeMux
	gate *gate.Gate
	jtis map[string]bool // revoked
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// newApp makes the application.
func newApp(s spec) (*app, error) {
	a := &app{ServeMux: http.NewServeMux(), jtis: map[string]bool{"revoked-id": true}}
	edit := func(cfg *gate.Config) {
		for _, name := range s.Loaders {
			a.register(name, cfg)
		}
	}
	var err error
	if environ, ok := environment(s.Options); ok && s.environ {
		a.gate, err = flask.FromEnv(environ, edit)
	} else {
		options := object{}
		for name, v := range s.Options {
			options[name] = revive(v)
		}
		a.gate, err = flask.New(options, edit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return a, a.route()
}

// revive turns {"$seconds": n} into a Duration.
func revive(v any) any {
	if o, ok := v.(object); ok {
		return time.Duration(o["$seconds"].(float64) * float64(time.Second))
	}
	return v
}

// environment writes options as variables. It cannot hold an empty text or a lifetime of 0.
func environment(options object) (environ []string, ok bool) {
	for name, v := range options {
		text := fmt.Sprint(revive(v))
		if all, isList := v.([]any); isList {
			text = compact(all)
		}
		if text == "" || text == "0s" || v == nil && name == "JWT_HEADER_TYPE" {
			return nil, false
		}
		environ = append(environ, name+"="+text)
	}
	return environ, true
}

// guards are the guarded routes; locations are the original's names.
var guards = map[string]struct {
	policy    gate.Policy
	locations []string
}{
	"/access":        {},
	"/optional":      {policy: gate.Policy{Optional: true}},
	"/fresh":         {policy: gate.Policy{Fresh: true}},
	"/refresh":       {policy: gate.Policy{Type: gate.Refresh}},
	"/any":           {policy: gate.Policy{Type: gate.AnyTokenType}},
	"/headers":       {locations: []string{"headers"}},
	"/cookies":       {locations: []string{"cookies"}},
	"/query":         {locations: []string{"query_string"}},
	"/json":          {locations: []string{"json"}},
	"/two":           {locations: []string{"query_string", "headers"}},
	"/refresh-fresh": {policy: gate.Policy{Type: gate.Refresh, Fresh: true}},
}

func (a *app) route() error {
	for path, guard := range guards {
		p := guard.policy
		if guard.locations != nil {
			var err error
			if p.Locations, err = flask.Locations(a.gate, guard.locations...); err != nil {
				return err
			}
		}
		a.handle(methods, path, a.gate.Require(p)(flask.View(a.gate, who)))
	}
	required := a.gate.Require(gate.Policy{})
	a.handle([]string{"GET", "OPTIONS"}, "/options", required(flask.View(a.gate, func(w http.ResponseWriter, _ *http.Request) error {
		return answer(w, object{"ok": true})
	})))
	a.handle(methods, "/view", flask.View(a.gate, a.view))
	a.handle([]string{"GET"}, "/user", a.gate.Require(gate.Policy{Optional: true})(flask.View(a.gate, user)))
	for path, f := range map[string]func(http.ResponseWriter, *http.Request, object) error{
		"/make": a.make, "/login": a.login, "/logout": a.logout, "/inspect": a.inspect,
	} {
		a.handle([]string{"POST"}, path, flask.View(a.gate, func(w http.ResponseWriter, r *http.Request) error {
			var args object
			d := json.NewDecoder(r.Body)
			d.UseNumber()
			if err := d.Decode(&args); err != nil {
				return err
			}
			return f(w, r, args)
		}))
	}
	a.handle([]string{"POST"}, "/revoke", a.gate.Require(gate.Policy{Type: gate.AnyTokenType})(flask.View(a.gate, a.revoke)))
	a.handle([]string{"POST"}, "/renew", a.gate.Require(gate.Policy{Type: gate.Refresh})(flask.View(a.gate, a.renew)))
	return nil
}

func (a *app) handle(methods []string, path string, h http.Handler) {
	for _, m := range methods {
		a.Handle(m+" "+path, h)
	}
}

// answer writes JSON as Flask does: in ASCII, with sorted names.
func answer(w http.ResponseWriter, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	for _, r := range b.String() {
		if r < 0x80 {
			fmt.Fprintf(w, "%c", r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(w, `\u%04x`, unit)
		}
	}
	return nil
}

func who(w http.ResponseWriter, r *http.Request) error {
	identity, err1 := flask.GetJWTIdentity(r.Context())
	claims, err2 := flask.GetJWT(r.Context())
	header, err3 := flask.GetJWTHeader(r.Context())
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	var location any
	if s := flask.GetJWTRequestLocation(r.Context()); s != "" {
		location = s
	}
	return answer(w, object{"identity": identity, "claims": claims, "header": header, "location": location})
}

// view checks the token itself.
func (a *app) view(w http.ResponseWriter, r *http.Request) error {
	r, err := flask.VerifyJWTInRequest(a.gate, r, gate.Policy{Optional: r.URL.Query().Get("optional") == "1"})
	if err != nil {
		return err
	}
	return who(w, r)
}

func user(w http.ResponseWriter, r *http.Request) error {
	u, err := flask.GetCurrentUser(r.Context())
	if err != nil {
		return err
	}
	return answer(w, object{"user": u})
}

func (a *app) create(ctx context.Context, kind string, args object) (string, error) {
	identity, ok := args["identity"]
	if !ok {
		identity = "alice"
	}
	o, err := tokenOptions(args)
	if err != nil {
		return "", err
	}
	if kind == "refresh" {
		return a.gate.CreateRefreshToken(ctx, identity, o)
	}
	return a.gate.CreateAccessToken(ctx, identity, o)
}

// tokenOptions are the arguments of create_access_token.
func tokenOptions(args object) (o gate.TokenOptions, err error) {
	switch v := args["fresh"].(type) {
	case bool:
		o.Fresh = v
	case object:
		o.FreshFor, err = seconds(v)
	}
	switch v := args["expires_delta"].(type) {
	case bool:
		o.ExpiresIn = gate.NoExpiry
	case object:
		if o.ExpiresIn, err = seconds(v); o.ExpiresIn == 0 {
			o.ExpiresIn = gate.NoExpiry
		}
	}
	if claims, ok := args["additional_claims"].(object); ok {
		o.Claims = claims
	}
	o.Header, _ = args["additional_headers"].(object)
	return o, err
}

func seconds(v object) (time.Duration, error) {
	n, err := v["$seconds"].(json.Number).Float64()
	return time.Duration(n * float64(time.Second)), err
}

func (a *app) make(w http.ResponseWriter, r *http.Request, args object) error {
	raw, err := a.create(r.Context(), args["kind"].(string), args)
	if err != nil {
		return err
	}
	return answer(w, object{"token": raw})
}

func cookieOptions(args object) (o gate.CookieOptions) {
	o.Domain, _ = args["domain"].(string)
	if n, ok := args["max_age"].(json.Number); ok {
		sec, _ := n.Int64()
		o.MaxAge = time.Duration(sec) * time.Second
	}
	return o
}

func (a *app) login(w http.ResponseWriter, r *http.Request, args object) error {
	var all []*http.Cookie
	for _, kind := range []string{"access", "refresh"} {
		of, _ := args[kind].(object)
		raw, err := a.create(r.Context(), kind, of)
		if err != nil {
			return err
		}
		set := map[string]func(context.Context, string, gate.CookieOptions) ([]*http.Cookie, error){
			"access": a.gate.AccessCookies, "refresh": a.gate.RefreshCookies,
		}[kind]
		cookies, err := set(r.Context(), raw, cookieOptions(args))
		if err != nil {
			return err
		}
		all = append(all, cookies...)
	}
	gate.SetCookies(w, all)
	return answer(w, object{"ok": true})
}

func (a *app) logout(w http.ResponseWriter, _ *http.Request, args object) error {
	types := map[any][]gate.TokenType{"access": {gate.Access}, "refresh": {gate.Refresh}}[args["which"]]
	gate.SetCookies(w, a.gate.ClearCookies(cookieOptions(args), types...))
	return answer(w, object{"ok": true})
}

func (a *app) renew(w http.ResponseWriter, r *http.Request) error {
	identity, err := flask.GetJWTIdentity(r.Context())
	if err != nil {
		return err
	}
	raw, err := a.gate.CreateAccessToken(r.Context(), identity, gate.TokenOptions{})
	if err != nil {
		return err
	}
	return answer(w, object{"token": raw})
}

func (a *app) inspect(w http.ResponseWriter, r *http.Request, args object) error {
	raw := args["token"].(string)
	switch args["do"] {
	case "decode":
		o := gate.DecodeOptions{AllowExpired: args["allow_expired"] == true}
		o.CSRF, _ = args["csrf_value"].(string)
		claims, err := flask.DecodeToken(r.Context(), a.gate, raw, o)
		if err != nil {
			return err
		}
		return answer(w, object{"claims": claims})
	case "jti":
		claims, err := flask.DecodeToken(r.Context(), a.gate, raw, gate.DecodeOptions{})
		if err != nil {
			return err
		}
		return answer(w, object{"jti": claims["jti"]})
	case "csrf":
		value, err := flask.GetCSRFToken(r.Context(), a.gate, raw)
		if err != nil {
			return err
		}
		return answer(w, object{"csrf": value})
	}
	header, err := flask.GetUnverifiedJWTHeaders(raw)
	if err != nil {
		return err
	}
	return answer(w, object{"header": header})
}

func (a *app) revoke(w http.ResponseWriter, r *http.Request) error {
	claims, err := flask.GetJWT(r.Context())
	if err != nil {
		return err
	}
	a.jtis[claims["jti"].(string)] = true
	return answer(w, object{"revoked": claims["type"]})
}

// has reports whether the specification registers a callback.
func (s spec) has(loader string) bool { return slices.Contains(s.Loaders, loader) }
