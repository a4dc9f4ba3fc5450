//go:build unix

package flask_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reply is the answer of one side.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// A difference is one thing in which the answers differ.
type difference struct{ what, theirs, ours string }

// anyServer are headers of the server, not of the application.
var anyServer = []string{"Date", "Server", "Connection", "Content-Length"}

// differences compares status, body, headers and cookies. Where the status differs, the
// rest cannot be equal and is not compared.
func differences(theirs, ours reply) (all []difference) {
	if theirs.status != ours.status || theirs.status >= 400 && !bytes.Equal(theirs.body, ours.body) {
		return []difference{{"answer", theirs.summary(), ours.summary()}}
	}
	if theirs.status < 400 {
		all = valueDifferences("body", theirs.value(), ours.value())
	}
	names := map[string]bool{}
	for _, r := range []reply{theirs, ours} {
		for name := range r.header {
			names[name] = true
		}
	}
	for _, name := range anyServer {
		delete(names, name)
	}
	delete(names, "Set-Cookie")
	for name := range names {
		a, b := theirs.header[name], ours.header[name]
		if name == "Allow" { // in no order
			a, b = sortedList(a), sortedList(b)
		}
		if !slices.Equal(a, b) {
			all = append(all, difference{name, orNone(a), orNone(b)})
		}
	}
	return append(all, cookieDifferences(theirs.header["Set-Cookie"], ours.header["Set-Cookie"])...)
}

const none = "(none)"

func orNone(values []string) string {
	if len(values) == 0 {
		return none
	}
	return strings.Join(values, ", ")
}

func sortedList(values []string) []string {
	all := strings.Split(strings.Join(values, ", "), ", ")
	slices.Sort(all)
	return all
}

// summary is the status, and the message of an error.
func (r reply) summary() string {
	text := strconv.Itoa(r.status)
	var body map[string]any
	if r.status >= 400 && json.Unmarshal(r.body, &body) == nil {
		for _, v := range body {
			if len(body) == 1 {
				return text + " " + fmt.Sprint(v)
			}
		}
		return text + " " + string(r.body)
	}
	if v, ok := r.value().(object); ok && has(v, "identity") && v["identity"] == nil && equal(v["claims"], object{}) {
		return text + " anonymous"
	}
	return text
}

// value is the body as JSON with all digits, or as text.
func (r reply) value() any {
	var v any
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return string(r.body)
	}
	return v
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// valueDifferences compares JSON. Two tokens are compared by header and claims, and their
// times as seconds after "iat". Random identifiers are equal. where is the name of the
// innermost member.
func valueDifferences(where string, a, b any) (all []difference) {
	switch x := a.(type) {
	case object:
		y, ok := b.(object)
		if !ok {
			break
		}
		for name := range x {
			if !has(y, name) {
				all = append(all, difference{name, "set", none})
			}
		}
		for name, w := range y {
			if v, ok := x[name]; ok {
				all = append(all, valueDifferences(name, v, w)...)
			} else {
				all = append(all, difference{name, none, "set"})
			}
		}
		return all
	case []any:
		if y, ok := b.([]any); ok && slices.EqualFunc(x, y, equal) {
			return nil
		}
	case string:
		y, _ := b.(string)
		p, ok1 := opened(x)
		q, ok2 := opened(y)
		switch {
		case x == y && b != nil, uuid4.MatchString(x) && uuid4.MatchString(y):
			return nil
		case ok1 && ok2:
			return append(valueDifferences("header", p[0], q[0]), valueDifferences("claims", p[1], q[1])...)
		}
	case json.Number:
		if y, ok := b.(json.Number); ok && sameNumber(string(x), string(y)) {
			return nil
		}
	case float64:
		if y, ok := b.(float64); ok && math.Abs(x-y) <= slack[where] {
			return nil
		}
	default:
		if a == b {
			return nil
		}
	}
	return []difference{{where, shown(a), shown(b)}}
}

// shown is a text as it is, and anything else as JSON.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return compact(v)
}

func equal(a, b any) bool { return len(valueDifferences("", a, b)) == 0 }

// sameNumber: 1e3 and 1000.0 are the same.
func sameNumber(a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return a == b || strings.ContainsAny(a+b, ".eE") && err1 == nil && err2 == nil && x == y
}

// slack are the seconds by which times of two new tokens may differ: they are cut to whole
// seconds, and made one after the other.
var slack = map[string]float64{"iat": 60, "nbf": 1, "exp": 1, "fresh": 1}

// relative makes the times of claims float64s: seconds after "iat".
func relative(claims object) {
	iat := 0.0
	for _, name := range []string{"iat", "nbf", "exp", "fresh"} {
		if n, ok := claims[name].(json.Number); ok {
			f, _ := n.Float64()
			claims[name] = f - iat
			if name == "iat" {
				iat = f
			}
		}
	}
}

// opened is header and claims of a token, unverified.
func opened(raw string) (parts []any, ok bool) {
	segments := strings.Split(raw, ".")
	if len(segments) != 3 {
		return nil, false
	}
	for _, s := range segments[:2] {
		text, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			return nil, false
		}
		var v any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return nil, false
		}
		parts = append(parts, v)
	}
	if claims, ok := parts[1].(object); ok {
		relative(claims)
	}
	return parts, true
}

// cookieDifferences compares Set-Cookie lines, attribute by attribute as they are written.
func cookieDifferences(theirs, ours []string) (all []difference) {
	a, b := cookiesOf(theirs), cookiesOf(ours)
	for name := range a {
		if b[name] == nil {
			all = append(all, difference{"Set-Cookie", name, none})
		}
	}
	for name, with := range b {
		if a[name] == nil {
			all = append(all, difference{"Set-Cookie", none, name})
			continue
		}
		for attribute := range a[name] {
			if !has(with, attribute) {
				with[attribute] = none
			}
		}
		for attribute, v := range with {
			w, ok := a[name][attribute]
			switch {
			case !ok:
				all = append(all, difference{"Set-Cookie " + attribute, none, v.(string)})
			case attribute != "Expires" || !near(v.(string), w.(string)):
				all = append(all, valueDifferences("Set-Cookie "+attribute, w, v)...)
			}
		}
	}
	return all
}

// cookiesOf are the attributes of each cookie, by its name and its place among those of
// the same name.
func cookiesOf(lines []string) map[string]object {
	all := map[string]object{}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		for all[name] != nil {
			name += " again"
		}
		all[name] = attributes(line)
	}
	return all
}

// attributes are those of a Set-Cookie line, and its value.
func attributes(line string) object {
	all := object{}
	for i, part := range strings.Split(line, "; ") {
		name, value, _ := strings.Cut(part, "=")
		if i == 0 {
			name = "value"
		}
		all[name] = value
	}
	return all
}

// near: the same date but for the time between the requests.
func near(a, b string) bool {
	x, err1 := http.ParseTime(a)
	y, err2 := http.ParseTime(b)
	return err1 == nil && err2 == nil && x.Sub(y).Abs() <= time.Minute
}
