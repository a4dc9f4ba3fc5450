package flask_test

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"time"
)

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// text fills the placeholders of a step.
func (p *player) text(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(ph string) string {
		kind, name, _ := strings.Cut(ph[2:len(ph)-1], ":")
		switch kind {
		case "cap":
			return p.captured[name]
		case "cookie":
			for _, c := range p.jar.all {
				if c.Name == name {
					return c.Value
				}
			}
			return ""
		case "tok", "tokpct":
			return tokens(ph, p.app.c)
		}
		return keyText(ph, p.app.c)
	})
}

// tokens fills in the ready-made tokens of a case.
func tokens(s string, c testCase) string {
	return placeholder.ReplaceAllStringFunc(s, func(ph string) string {
		kind, name, _ := strings.Cut(ph[2:len(ph)-1], ":")
		switch kind {
		case "tok":
			return tokenText(c, name)
		case "tokpct":
			return strings.NewReplacer(".", "%2E", "-", "%2D", "_", "%5F").Replace(tokenText(c, name))
		}
		return ph
	})
}

func tokenText(c testCase, name string) string {
	text, _ := c.Tokens[name].Value.(string)
	return text
}

// keyText fills in the test keys of the file.
func keyText(s string, c testCase) string {
	return placeholder.ReplaceAllStringFunc(s, func(ph string) string {
		name, half, _ := strings.Cut(strings.TrimPrefix(ph[2:len(ph)-1], "key:"), ".")
		if text, ok := c.keys[name][half]; ok {
			return text
		}
		return ph
	})
}

// standIns turns the stand-ins for values of other types into Go's.
func standIns(v any, c testCase, now time.Time) any {
	switch v := v.(type) {
	case string:
		return keyText(v, c)
	case object:
		switch {
		case v["$seconds"] != nil:
			return time.Duration(v["$seconds"].(float64) * float64(time.Second))
		case v["$tuple"] != nil:
			return v["$tuple"]
		case v["$hex"] != nil:
			b, _ := hex.DecodeString(v["$hex"].(string))
			return b
		case v["$relativedelta"] != nil:
			n := func(unit string) int { f, _ := v["$relativedelta"].(object)[unit].(float64); return int(f) }
			end := now.AddDate(n("years"), n("months"), 7*n("weeks")+n("days"))
			return end.Sub(now) + time.Duration(n("hours"))*time.Hour + time.Duration(n("minutes"))*time.Minute + time.Duration(n("seconds"))*time.Second
		}
	}
	return v
}

// replaced fills the placeholders of a loader's answer; one that is the whole string
// keeps its type.
func replaced(v any, fill func(string) (any, bool)) any {
	switch v := v.(type) {
	case string:
		if loc := placeholder.FindStringIndex(v); loc != nil && loc[0] == 0 && loc[1] == len(v) {
			if found, ok := fill(v[2 : len(v)-1]); ok {
				return found
			}
			return nil
		}
		return placeholder.ReplaceAllStringFunc(v, func(ph string) string {
			found, _ := fill(ph[2 : len(ph)-1])
			return plainText(found)
		})
	case object:
		out := object{}
		for k, e := range v {
			out[k] = replaced(e, fill)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = replaced(e, fill)
		}
		return out
	}
	return v
}

// truthy is Python's truth.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case []any:
		return len(v) > 0
	case object:
		return len(v) > 0
	}
	return !reflect.ValueOf(v).IsZero()
}

func slice(v any) []any { s, _ := v.([]any); return s }

func members(v any) object { o, _ := v.(object); return o }

// convert reads v, decoded JSON, into a struct.
func convert(v, into any) {
	text, _ := json.Marshal(v)
	_ = json.Unmarshal(text, into)
}
