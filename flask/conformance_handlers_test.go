package flask_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// exchange is one request as a handler sees it, whatever brought it.
type exchange struct {
	ctx   context.Context
	w     http.ResponseWriter
	check func(gate.Policy) (*gate.Token, error) // for a guard inside the handler
}

// handle runs the behaviour of a route. An error of the gate is answered as the
// original's error handlers do, any other is the death of the request.
func (a *app) handle(r servedRoute, x exchange) {
	body, err := a.behave(r.Returns, x)
	var refused *gate.Error
	switch {
	case errors.As(err, &refused):
		a.gate.WriteError(x.w, nil, err)
	case err != nil:
		a.failure = err
	case body != nil:
		writeJSON(x.w, http.StatusOK, body)
	}
}

// behave returns the JSON to answer with, or nil when it has answered itself.
func (a *app) behave(r returns, x exchange) (any, error) {
	if a.gate == nil && r.do != "decode_token" { // there is nothing to call
		return nil, errors.New("no gate")
	}
	switch r.do {
	case "ok":
		return object{"ok": true}, nil
	case "text":
		fmt.Fprint(x.w, "ok")
		return nil, nil
	case "identity", "claims", "header", "location":
		v, err := getter(r.do)(x.ctx)
		return object{r.do: v}, err
	case "current_user":
		v, err := flask.GetCurrentUser(x.ctx)
		return object{"user": v}, err
	case "all":
		return a.all(r.args, x.ctx)
	case "verify", "claim_gate":
		return a.verifyInView(r, x)
	case "create_access_token", "create_refresh_token":
		raw, err := a.mint(x.ctx, r.do == "create_refresh_token", r.args)
		return object{r.do[len("create_"):]: raw}, err
	case "login", "refresh":
		return a.login(r, x.ctx)
	case "set_cookies":
		return object{"ok": true}, a.setCookies(r.args, x)
	case "unset_cookies":
		a.unsetCookies(r.args, x.w)
		return object{"ok": true}, nil
	case "decode_token", "get_jti", "get_csrf_token", "unverified_headers":
		return a.inspect(r, x.ctx)
	case "revoke":
		t, ok := gate.FromContext(x.ctx)
		if !ok {
			return nil, errors.New("no token")
		}
		a.revoked = append(a.revoked, t.ID)
		return object{"revoked": t.Type}, nil
	case "template_user":
		return nil, a.template(r.args, x)
	}
	a.unknown = r.do
	return nil, nil
}

func getter(name string) func(context.Context) (any, error) {
	return map[string]func(context.Context) (any, error){
		"identity": flask.GetJWTIdentity,
		"claims":   func(ctx context.Context) (any, error) { return flask.GetJWT(ctx) },
		"header":   func(ctx context.Context) (any, error) { return flask.GetJWTHeader(ctx) },
		"location": func(ctx context.Context) (any, error) {
			if where := flask.GetJWTRequestLocation(ctx); where != "" {
				return where, nil
			}
			return nil, nil
		},
	}[name]
}

func (a *app) all(args object, ctx context.Context) (any, error) {
	body := object{}
	for _, name := range []string{"identity", "claims", "header", "location"} {
		v, err := getter(name)(ctx)
		if err != nil {
			return nil, err
		}
		body[name] = v
	}
	if args["user"] != true {
		return body, nil
	}
	user, err := flask.GetCurrentUser(ctx)
	body["user"] = user
	return body, err
}

// verifyInView is verify_jwt_in_request.
func (a *app) verifyInView(r returns, x exchange) (any, error) {
	var g guard
	convert(r.args["guard"], &g)
	p, err := a.policy(g)
	if err != nil {
		return nil, err
	}
	t, err := x.check(p)
	if err != nil {
		return nil, err
	}
	ctx := gate.NewContext(x.ctx, t)
	all, err := flask.GetJWT(ctx)
	switch {
	case err != nil:
		return nil, err
	case r.do == "claim_gate" && !truthy(all[r.args["claim"].(string)]):
		writeJSON(x.w, http.StatusForbidden, r.args["deny"])
		return nil, nil
	case r.do == "claim_gate":
		return object{"ok": true}, nil
	case t == nil:
		return object{"result": nil}, nil
	}
	head, err := flask.GetJWTHeader(ctx)
	return object{"result": object{"header": head, "claims": all}}, err
}

// mint creates a token from the arguments of create_access_token.
func (a *app) mint(ctx context.Context, refresh bool, args object) (string, error) {
	identity, ok := args["identity"]
	if !ok {
		identity = "alice"
	}
	claims := object{}
	o := gate.TokenOptions{Claims: claims, Header: object{}}
	switch f := args["fresh"].(type) {
	case bool:
		o.Fresh = f
	case object:
		if o.FreshFor = time.Duration(f["$seconds"].(float64) * float64(time.Second)); o.FreshFor == 0 {
			claims["fresh"] = float64(a.now.UnixMicro()) / 1e6
		}
	default:
		if _, given := args["fresh"]; given {
			claims["fresh"] = f
		}
	}
	switch e := standIns(args["expires_delta"], a.c, a.now).(type) {
	case bool:
		o.ExpiresIn = gate.NoExpiry
	case float64:
		o.ExpiresIn = noneIsForever(time.Duration(e * float64(time.Second)))
	case time.Duration:
		o.ExpiresIn = noneIsForever(e)
	}
	for k, v := range members(args["additional_claims"]) {
		claims[k] = v
	}
	for k, v := range members(args["additional_headers"]) {
		o.Header[k] = v
	}
	if refresh {
		return a.gate.CreateRefreshToken(ctx, identity, o)
	}
	return a.gate.CreateAccessToken(ctx, identity, o)
}

// noneIsForever: a lifetime of 0 means no exp.
func noneIsForever(d time.Duration) time.Duration {
	if d == 0 {
		return gate.NoExpiry
	}
	return d
}

func (a *app) login(r returns, ctx context.Context) (any, error) {
	if r.do == "refresh" {
		identity, err := flask.GetJWTIdentity(ctx)
		if err != nil {
			return nil, err
		}
		raw, err := a.gate.CreateAccessToken(ctx, identity, gate.TokenOptions{})
		return object{"access_token": raw}, err
	}
	access, err := a.mint(ctx, false, members(r.args["access"]))
	if err != nil {
		return nil, err
	}
	refresh, err := a.mint(ctx, true, members(r.args["refresh"]))
	return object{"access_token": access, "refresh_token": refresh}, err
}

func (a *app) setCookies(args object, x exchange) error {
	for _, typ := range []string{"access", "refresh"} {
		arg, ok := args[typ].(object)
		if !ok {
			continue
		}
		raw, given := arg["token"].(string)
		raw = tokens(raw, a.c)
		if !given {
			var err error
			if raw, err = a.mint(x.ctx, typ == "refresh", arg); err != nil {
				return err
			}
		}
		o := gate.CookieOptions{}
		o.Domain, _ = arg["domain"].(string)
		seconds, _ := arg["max_age"].(float64)
		age := time.Duration(seconds * float64(time.Second))
		o.MaxAge = max(age, 0)
		set := a.gate.AccessCookies
		if typ == "refresh" {
			set = a.gate.RefreshCookies
		}
		cookies, err := set(x.ctx, raw, o)
		if err != nil {
			return err
		}
		for _, c := range cookies {
			if age < 0 { // which the gate does not set: the cookies are the handler's to change
				c.MaxAge, c.Expires = int(seconds), a.now.Add(age)
			}
		}
		gate.SetCookies(x.w, cookies)
	}
	return nil
}

func (a *app) unsetCookies(args object, w http.ResponseWriter) {
	types := map[any][]gate.TokenType{"access": {gate.Access}, "refresh": {gate.Refresh}}[args["which"]]
	o := gate.CookieOptions{}
	o.Domain, _ = args["domain"].(string)
	gate.SetCookies(w, a.gate.ClearCookies(o, types...))
}

// inspect is the four functions that read a token of the caller's.
func (a *app) inspect(r returns, ctx context.Context) (any, error) {
	raw, given := r.args["token"].(string)
	raw = tokens(raw, a.c)
	if !given && r.do == "get_csrf_token" {
		var err error
		if raw, err = a.mint(ctx, false, r.args); err != nil {
			return nil, err
		}
	}
	switch r.do {
	case "get_jti":
		all, err := flask.DecodeToken(ctx, a.gate, raw, gate.DecodeOptions{})
		return object{"jti": all["jti"]}, err
	case "get_csrf_token":
		v, err := flask.GetCSRFToken(ctx, a.gate, raw)
		return object{"csrf": v}, err
	case "unverified_headers":
		v, err := flask.GetUnverifiedJWTHeaders(raw)
		return object{"header": v}, err
	}
	o := gate.DecodeOptions{AllowExpired: r.args["allow_expired"] == true}
	o.CSRF, _ = r.args["csrf_value"].(string)
	v, err := flask.DecodeToken(ctx, a.gate, raw, o)
	return object{"claims": v}, err
}

var page = template.Must(template.New("").Parse(`user=[{{if .Known}}{{.Value}}{{end}}]`))

// template offers the current user to a page.
func (a *app) template(args object, x exchange) error {
	if a.c.Manager != "context_processor" {
		return errors.New("the page has no user")
	}
	user, err := flask.GetCurrentUser(x.ctx)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	value, known := members(user)[args["field"].(string)]
	return page.Execute(x.w, object{"Value": value, "Known": known && value != nil})
}

// find returns the route of a path, and whether it answers the method. A route for
// GET answers HEAD.
func (a *app) find(method, path string) (r servedRoute, found, answers bool) {
	for _, r := range a.routes {
		if r.Path == path {
			return r, true, slices.Contains(r.Methods, method) || method == http.MethodHead && slices.Contains(r.Methods, http.MethodGet)
		}
	}
	return servedRoute{}, false, false
}

// allow is what the framework answers to OPTIONS, sorted.
func (r servedRoute) allow() []string {
	all := append(slices.Clone(r.Methods), http.MethodOptions)
	if slices.Contains(all, http.MethodGet) {
		all = append(all, http.MethodHead)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
