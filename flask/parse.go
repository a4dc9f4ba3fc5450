package flask

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate"
)

// option is how one option is read.
type option struct {
	accepts string                             // for errors
	secret  bool                               // never shown
	none    bool                               // the word None in the environment is nil
	set     func(s *settings, v any) bool      // false: not acceptable
	parse   func(text string) (v any, ok bool) // of an environment variable
}

// wrong is the error for a value that is not acceptable.
func (o option) wrong(name string, v any) error {
	given := fmt.Sprintf("%#v (%T)", v, v)
	switch {
	case o.secret:
		given = fmt.Sprintf("a %T that is not shown", v)
	case v == nil:
		given = "nil"
	}
	return fmt.Errorf("flask: %s is %s; it takes %s", name, given, o.accepts)
}

// fromEnv reads the text of an environment variable.
func (o option) fromEnv(text string) (v any, ok bool) {
	if o.none && strings.EqualFold(text, "none") {
		return nil, true
	}
	return o.parse(text)
}

// orNone also takes nil, which leaves the default.
func (o option) orNone() option {
	o = o.orEmpty(func(*settings) {})
	o.none = true
	return o
}

// orEmpty also takes nil, and calls none for it.
func (o option) orEmpty(none func(*settings)) option {
	set := o.set
	o.accepts += ", or nil"
	o.set = func(s *settings, v any) bool {
		if v == nil {
			none(s)
			return true
		}
		return set(s, v)
	}
	return o
}

func boolean(set func(*settings, bool)) option {
	return option{
		accepts: "true or false",
		parse: func(text string) (any, bool) {
			switch strings.ToLower(text) {
			case "true", "1":
				return true, true
			case "false", "0":
				return false, true
			}
			return nil, false
		},
		set: func(s *settings, v any) bool {
			b, ok := v.(bool)
			if ok {
				set(s, b)
			}
			return ok
		},
	}
}

// asText takes the variable as it is.
func asText(text string) (any, bool) { return text, true }

func plain(set func(*settings, string)) option {
	return option{
		accepts: "a string",
		parse:   asText,
		set: func(s *settings, v any) bool {
			t, ok := v.(string)
			if ok {
				set(s, t)
			}
			return ok
		},
	}
}

// nonEmpty is a text that may not be empty.
func nonEmpty(set func(*settings, string)) option {
	o := plain(set)
	take := o.set
	o.accepts = "a string that is not empty"
	o.set = func(s *settings, v any) bool { return v != "" && take(s, v) }
	return o
}

// material is a secret or a key. None and an empty one count as unset.
func material(set func(*settings, []byte)) option {
	return option{
		accepts: "a string or []byte",
		secret:  true,
		none:    true,
		parse:   asText,
		set: func(s *settings, v any) bool {
			switch v := v.(type) {
			case nil:
				set(s, nil)
			case string:
				set(s, []byte(v))
			case []byte:
				set(s, v)
			default:
				return false
			}
			return true
		},
	}
}

// list is a list of strings or a string alone; set gets which it was.
func list(set func(s *settings, v []string, isList bool)) option {
	return option{
		accepts: "a string or a list of strings",
		parse:   asList,
		set: func(s *settings, v any) bool {
			switch v := v.(type) {
			case string:
				set(s, []string{v}, false)
			case []string:
				set(s, append([]string{}, v...), true)
			case []any:
				texts := []string{}
				for _, e := range v {
					t, ok := e.(string)
					if !ok {
						return false
					}
					texts = append(texts, t)
				}
				set(s, texts, true)
			default:
				return false
			}
			return true
		},
	}
}

// asList reads JSON, a comma separated list, or a string alone. Only [] is an empty list:
// one that is empty by accident must not turn a check off.
func asList(text string) (any, bool) {
	if strings.Trim(text, ", \t") == "" {
		return nil, false
	}
	if strings.HasPrefix(text, "[") {
		var v []string
		err := json.Unmarshal([]byte(text), &v)
		return v, err == nil
	}
	if !strings.Contains(text, ",") {
		return strings.TrimSpace(text), true
	}
	var v []string
	for e := range strings.SplitSeq(text, ",") {
		if e = strings.TrimSpace(e); e != "" {
			v = append(v, e)
		}
	}
	return v, true
}

func seconds(set func(*settings, time.Duration)) option {
	return option{
		accepts: "a number of seconds or a time.Duration",
		parse: func(text string) (any, bool) {
			if n, err := strconv.ParseFloat(text, 64); err == nil {
				return n, true
			}
			d, err := time.ParseDuration(text)
			return d, err == nil
		},
		set: func(s *settings, v any) bool {
			d, ok := duration(v)
			if ok {
				set(s, d)
			}
			return ok
		},
	}
}

// lifetime is seconds, of which none (0 or False) means for ever.
func lifetime(set func(*settings, time.Duration)) option {
	o := seconds(set)
	number := o.parse
	o.accepts += ", or false for no expiry"
	o.parse = func(text string) (any, bool) {
		if strings.EqualFold(text, "false") {
			return false, true
		}
		v, ok := number(text)
		d, _ := duration(v)
		return v, ok && d != 0 // 0 means no expiry: in the environment that has to be said
	}
	o.set = func(s *settings, v any) bool {
		d, ok := duration(v)
		if v == false || ok && d == 0 {
			d, ok = gate.NoExpiry, true
		}
		if ok {
			set(s, d)
		}
		return ok
	}
	return o
}

// duration turns a number of seconds of any numeric type into a Duration.
func duration(v any) (time.Duration, bool) {
	if d, ok := v.(time.Duration); ok {
		return d, true
	}
	var sec float64
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		sec = float64(r.Int())
	case r.CanUint():
		sec = float64(r.Uint())
	case r.CanFloat():
		sec = r.Float()
	default:
		return 0, false
	}
	// Half of what a Duration holds, so that adding it to a time is safe too.
	if math.IsNaN(sec) || math.Abs(sec) > math.MaxInt64/2/float64(time.Second) {
		return 0, false
	}
	return time.Duration(sec * float64(time.Second)), true
}
