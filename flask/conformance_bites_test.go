package flask_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// distortions falsify one thing that a case expects, and return false where the case
// expects nothing of the kind.
var distortions = map[string]func(*answer) bool{
	"status": func(a *answer) bool {
		a.Status++
		return a.Error == nil
	},
	"json": func(a *answer) bool {
		if a.JSON == nil || a.MessagePrefix != nil {
			return false
		}
		body, ok := (*a.JSON).(object)
		if !ok {
			return false
		}
		body = maps.Clone(body)
		body["more"] = true
		a.JSON = new(any)
		*a.JSON = body
		return true
	},
	"no json": func(a *answer) bool {
		had := a.JSON != nil && a.MessagePrefix == nil
		a.JSON = nil
		return had
	},
	"prefix": func(a *answer) bool {
		if a.MessagePrefix == nil {
			return false
		}
		prefix := *a.MessagePrefix + "!"
		a.MessagePrefix = &prefix
		return true
	},
	"text": func(a *answer) bool {
		if a.Text == nil {
			return false
		}
		text := *a.Text + "."
		a.Text = &text
		return true
	},
	"calls": func(a *answer) bool {
		a.Calls = append(slices.Clone(a.Calls), "other_loader")
		return a.Error == nil
	},
	"headers": func(a *answer) bool {
		a.Headers = map[string]string{"X-Other": "1"}
		return a.Error == nil
	},
	"no cookies": func(a *answer) bool {
		had := len(a.SetCookies) > 0
		a.SetCookies = nil
		return had
	},
	"cookie value": func(a *answer) bool { return distortCookie(a, "value", object{"kind": "text", "text": "other"}) },
	"cookie age":   func(a *answer) bool { return distortCookie(a, "max_age", 12345.0) },
	"cookie end":   func(a *answer) bool { return distortCookie(a, "expires", 12345.0) },
	"cookie site":  func(a *answer) bool { return distortCookie(a, "samesite", "Other") },
	"cookie path":  func(a *answer) bool { return distortCookie(a, "path", "/other") },
	"error": func(a *answer) bool {
		if a.Error == nil || a.Error.Match != "message" {
			return false
		}
		e := *a.Error
		e.Message += " (other)"
		a.Error = &e
		return true
	},
}

func distortCookie(a *answer, field string, v any) bool {
	if len(a.SetCookies) == 0 {
		return false
	}
	a.SetCookies = slices.Clone(a.SetCookies)
	last := len(a.SetCookies) - 1
	c := maps.Clone(a.SetCookies[last])
	c[field] = v
	a.SetCookies[last] = c
	return true
}

// The runner notices what is wrong: no case that passes still passes when one thing
// that it expects is changed.
func TestConformanceBites(t *testing.T) {
	used := map[string]int{}
	for _, c := range readCases(t, filepath.Join("testdata", "conformance")) {
		if _, err := newApp(c); err != nil || runCase(c, netTransport) != nil {
			continue // met by a refusal at construction, or a deviation
		}
		for i := range c.Expect {
			for name, distort := range distortions {
				changed := c
				changed.Expect = slices.Clone(c.Expect)
				if !distort(&changed.Expect[i]) {
					continue
				}
				used[name]++
				if runCase(changed, netTransport) == nil {
					t.Errorf("%s, step %d: passes with another %s", c.Name, i, name)
				}
			}
		}
	}
	for name := range distortions {
		if used[name] == 0 {
			t.Errorf("no case was changed in %s", name)
		}
	}
}
