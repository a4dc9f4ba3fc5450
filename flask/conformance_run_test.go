package flask_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// runCase plays a case and returns the first difference.
func runCase(c testCase, send transport) (failed error) {
	defer func() {
		if p := recover(); p != nil {
			failed = fmt.Errorf("panic: %v", p)
		}
	}()
	if c.broken != nil {
		return c.broken
	}
	if len(c.Steps) != len(c.Expect) {
		return fmt.Errorf("%d steps and %d answers", len(c.Steps), len(c.Expect))
	}
	a, err := newApp(c)
	if err != nil {
		return refusedAtConstruction(c, err)
	}
	p := player{app: a, captured: map[string]string{}}
	for i, s := range c.Steps {
		a.now, a.calls, a.failure = unixTime(c.Clock+s.At), nil, nil
		m, err := p.message(s)
		if err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		r := send(a, m)
		if a.unknown != "" {
			return fmt.Errorf("the runner does not know %q", a.unknown)
		}
		if err := p.take(s, m, r); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		if err := a.compare(c.Expect[i], r); err != nil {
			return fmt.Errorf("step %d: %w (failure: %v, body: %s)", i, err, a.failure, r.body)
		}
	}
	return nil
}

// refusedAtConstruction is nil for a case that expects, of one of its requests, the
// error that has come when the gate was made.
func refusedAtConstruction(c testCase, err error) error {
	for _, want := range c.Expect {
		if e := want.Error; e != nil && (e.Match == "status" || len(c.Tags) > 0 || strings.Contains(err.Error(), e.Message)) {
			return nil
		}
	}
	return fmt.Errorf("refused at construction: %w", err)
}

// unixTime turns seconds with a fraction into a time, to the microsecond.
func unixTime(sec float64) time.Time {
	whole := int64(sec)
	return time.Unix(whole, int64((sec-float64(whole))*1e6+0.5)*1e3).UTC()
}

// player sends the steps of a case.
type player struct {
	app      *app
	jar      jar
	captured map[string]string
}

// message makes the request of a step.
func (p *player) message(s step) (message, error) {
	m := message{method: s.Method, path: s.Path, query: p.text(s.Query), scheme: s.Scheme, host: p.app.c.Host}
	if m.scheme == "" {
		m.scheme = "http"
	}
	if m.host == "" {
		m.host = "localhost"
	}
	for _, kv := range s.Headers {
		m.headers = append(m.headers, [2]string{kv[0], p.text(kv[1])})
	}
	if p.app.c.Jar {
		m.cookies = p.jar.cookies(m, p.app.now)
	}
	for _, kv := range s.Cookies {
		m.cookies = append(m.cookies, [2]string{kv[0], p.text(kv[1])})
	}
	contentType, err := p.body(s, &m)
	if s.ContentType != nil {
		contentType = *s.ContentType
	}
	if contentType != "" {
		m.headers = append(m.headers, [2]string{"Content-Type", contentType})
	}
	return m, err
}

// body adds the body of a step and returns its media type.
func (p *player) body(s step, m *message) (string, error) {
	switch {
	case s.JSON != nil:
		m.body = []byte(p.text(string(*s.JSON)))
		return "application/json", nil
	case s.Form != nil:
		values := url.Values{}
		for _, kv := range s.Form {
			values.Add(kv[0], p.text(kv[1]))
		}
		m.body = []byte(values.Encode())
		return "application/x-www-form-urlencoded", nil
	case s.Multipart != nil:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, kv := range s.Multipart {
			if err := w.WriteField(kv[0], p.text(kv[1])); err != nil {
				return "", err
			}
		}
		err := w.Close()
		m.body = b.Bytes()
		return w.FormDataContentType(), err
	case s.Body != nil:
		m.body = []byte(p.text(*s.Body))
	case s.BodyHex != nil:
		var err error
		m.body, err = hex.DecodeString(*s.BodyHex)
		return "", err
	}
	return "", nil
}

// take stores the cookies of an answer, and what the step captures of it.
func (p *player) take(s step, m message, r reply) error {
	if p.app.c.Jar {
		p.jar.store(m, r.header, p.app.now)
	}
	for name, source := range s.Capture {
		where, field, _ := strings.Cut(source, ".")
		if where == "cookie" {
			p.captured[name] = cookieOf(r.header, field)
			continue
		}
		var body object
		if err := json.Unmarshal(r.body, &body); err != nil {
			return fmt.Errorf("nothing to capture: %w", err)
		}
		p.captured[name], _ = body[field].(string)
	}
	return nil
}

func cookieOf(h http.Header, name string) string {
	for _, line := range h["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == name {
			return c.Value
		}
	}
	return ""
}

// jar keeps cookies between steps as RFC 6265 section 5 says.
type jar struct{ all []storedCookie }

type storedCookie struct {
	*http.Cookie
	domain   string
	hostOnly bool
	expires  time.Time
}

func (j *jar) store(m message, h http.Header, now time.Time) {
	for _, line := range h["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			continue
		}
		s := storedCookie{Cookie: c, domain: strings.TrimPrefix(c.Domain, "."), expires: c.Expires}
		if s.domain == "" {
			s.domain, s.hostOnly = m.host, true
		} else if !domainMatch(m.host, s.domain) {
			continue
		}
		if c.MaxAge != 0 {
			s.expires = now.Add(time.Duration(c.MaxAge) * time.Second)
		}
		same := func(o storedCookie) bool { return o.Name == s.Name && o.domain == s.domain && o.Path == s.Path }
		if !s.expires.IsZero() && !s.expires.After(now) {
			j.all = slices.DeleteFunc(j.all, same)
		} else if i := slices.IndexFunc(j.all, same); i >= 0 {
			j.all[i] = s
		} else {
			j.all = append(j.all, s)
		}
	}
}

// cookies returns those that belong to a request, longer paths first.
func (j *jar) cookies(m message, now time.Time) [][2]string {
	var fit []storedCookie
	for _, c := range j.all {
		switch {
		case c.hostOnly && c.domain != m.host, !c.hostOnly && !domainMatch(m.host, c.domain):
		case c.Secure && m.scheme != "https", !pathMatch(m.path, c.Path):
		case !c.expires.IsZero() && !c.expires.After(now):
		default:
			fit = append(fit, c)
		}
	}
	slices.SortStableFunc(fit, func(a, b storedCookie) int { return len(b.Path) - len(a.Path) })
	var out [][2]string
	for _, c := range fit {
		out = append(out, [2]string{c.Name, c.Value})
	}
	return out
}

func domainMatch(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func pathMatch(path, cookie string) bool {
	rest, ok := strings.CutPrefix(path, cookie)
	return ok && (rest == "" || strings.HasSuffix(cookie, "/") || rest[0] == '/')
}
