package flask_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// compare returns the first difference between the answer and what is expected.
func (a *app) compare(want answer, r reply) error {
	if e := want.Error; e != nil {
		return a.compareError(e.Match == "message", e.Message, r)
	}
	if a.failure != nil {
		return errors.New("the request died")
	}
	if r.status != want.Status {
		return fmt.Errorf("status %d, want %d", r.status, want.Status)
	}
	if err := compareBody(want, r); err != nil {
		return err
	}
	if want.Allow != nil && r.header.Get("Allow") != strings.Join(want.Allow, ", ") {
		return fmt.Errorf("Allow %q, want %q", r.header.Get("Allow"), want.Allow)
	}
	for name, values := range r.header {
		if (strings.HasPrefix(name, "X-") || name == "Www-Authenticate") && want.Headers[name] != values[0] {
			return fmt.Errorf("header %s: %q, want %q", name, values, want.Headers[name])
		}
	}
	for name, v := range want.Headers {
		if r.header.Get(name) != v {
			return fmt.Errorf("header %s: %q, want %q", name, r.header.Get(name), v)
		}
	}
	if err := compareCookies(want.SetCookies, r.header); err != nil {
		return err
	}
	if got, want := slices.Compact(slices.Clone(a.calls)), slices.Compact(want.Calls); !slices.Equal(got, want) {
		return fmt.Errorf("calls %v, want %v", got, want)
	}
	return nil
}

func (a *app) compareError(byMessage bool, message string, r reply) error {
	switch {
	case a.failure == nil && (byMessage || r.status < 500):
		return fmt.Errorf("status %d, want the error %q", r.status, message)
	case byMessage && !strings.Contains(a.failure.Error(), message):
		return fmt.Errorf("error %q, want %q", a.failure, message)
	}
	return nil
}

func compareBody(want answer, r reply) error {
	isJSON := r.header.Get("Content-Type") == "application/json" && len(r.body) > 0
	var got any
	if isJSON {
		if err := json.Unmarshal(r.body, &got); err != nil {
			return err
		}
	}
	switch {
	case want.MessagePrefix != nil:
		return samePrefix(*want.MessagePrefix, want.JSON, members(got))
	case want.JSON != nil && !isJSON:
		return errors.New("the body is not JSON")
	case want.JSON != nil:
		return same("body", *want.JSON, got)
	case isJSON:
		return errors.New("unexpected JSON")
	case want.Text != nil && string(r.body) != *want.Text:
		return fmt.Errorf("text %q, want %q", r.body, *want.Text)
	}
	return nil
}

// samePrefix compares a message of which only the beginning is fixed.
func samePrefix(prefix string, want *any, got object) error {
	for key, v := range got {
		text, _ := v.(string)
		if want != nil {
			if _, ok := members(*want)[key]; !ok {
				break
			}
		}
		if len(got) == 1 && strings.HasPrefix(text, prefix) {
			return nil
		}
	}
	return fmt.Errorf("message %v does not start with %q", got, prefix)
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// same compares decoded JSON, with the stand-ins for tokens and random values.
func same(where string, want, got any) error {
	switch w := want.(type) {
	case string:
		if g, _ := got.(string); w == "<uuid>" && uuid4.MatchString(g) {
			return nil
		}
	case object:
		if token, ok := w["$token"].(object); ok {
			return sameToken(where, token, got)
		}
		g, ok := got.(object)
		if !ok || len(g) != len(w) {
			return fmt.Errorf("%s: %v, want %v", where, got, want)
		}
		for k, v := range w {
			if _, ok := g[k]; !ok {
				return fmt.Errorf("%s.%s is missing", where, k)
			}
			if err := same(where+"."+k, v, g[k]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Errorf("%s: %v, want %v", where, got, want)
		}
		for i, v := range w {
			if err := same(where, v, g[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("%s: %v, want %v", where, got, want)
	}
	return nil
}

// sameToken compares header and claims of a token.
func sameToken(where string, want object, got any) error {
	raw, _ := got.(string)
	head, claims, err := decoded(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if err := same(where+" header", want["header"], head); err != nil {
		return err
	}
	return same(where+" claims", want["claims"], claims)
}

// decoded reads a token of our own answer, unverified.
func decoded(raw string) (head, claims any, err error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, nil, fmt.Errorf("%q is not a token", raw)
	}
	for i, into := range []*any{&head, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return nil, nil, err
		}
	}
	return head, claims, nil
}

// compareCookies compares the cookies of an answer, in order.
func compareCookies(want []object, h http.Header) error {
	lines := h["Set-Cookie"]
	if len(lines) != len(want) {
		return fmt.Errorf("%d cookies %q, want %d", len(lines), lines, len(want))
	}
	for i, w := range want {
		c, err := http.ParseSetCookie(lines[i])
		if err != nil {
			return err
		}
		if err := compareCookie(w, c, h); err != nil {
			return fmt.Errorf("%w in %q", err, lines[i])
		}
	}
	return nil
}

func compareCookie(want object, c *http.Cookie, h http.Header) error {
	got := object{
		"name": c.Name, "path": c.Path, "domain": nil, "max_age": nil, "expires": nil,
		"httponly": c.HttpOnly, "secure": c.Secure, "samesite": nil, "value": want["value"],
	}
	if c.Domain != "" {
		got["domain"] = strings.TrimPrefix(c.Domain, ".")
	}
	if c.MaxAge > 0 {
		got["max_age"] = float64(c.MaxAge)
	} else if c.MaxAge < 0 {
		// A negative Max-Age is written as 0, which does the same; -1 stands for both.
		got["max_age"] = float64(-1)
		if n, ok := want["max_age"].(float64); ok && n <= 0 {
			got["max_age"] = n
		}
	}
	if !c.Expires.IsZero() {
		got["expires"] = float64(c.Expires.Unix())
	}
	switch c.SameSite {
	case http.SameSiteLaxMode:
		got["samesite"] = "Lax"
	case http.SameSiteStrictMode:
		got["samesite"] = "Strict"
	case http.SameSiteNoneMode:
		got["samesite"] = "None"
	}
	if err := same("cookie", want, got); err != nil {
		return err
	}
	return compareCookieValue(members(want["value"]), c.Value, h)
}

func compareCookieValue(want object, got string, h http.Header) error {
	switch want["kind"] {
	case "token":
		return sameToken("cookie", want, got)
	case "csrf":
		_, claims, err := decoded(cookieOf(h, want["of"].(string)))
		if err != nil {
			return err
		}
		return same("CSRF cookie", members(claims)["csrf"], got)
	case "empty":
		return same("cookie", "", got)
	}
	return same("cookie", want["text"], got)
}
