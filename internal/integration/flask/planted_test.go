//go:build unix

package flask_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// planted are faults of an application, each in one thing of an answer.
var planted = map[string]func(r *http.Response, body string) string{
	"a status": func(r *http.Response, body string) string {
		if r.StatusCode == http.StatusUnauthorized {
			r.StatusCode = http.StatusForbidden
		}
		return body
	},
	"a refused token accepted": func(r *http.Response, body string) string {
		if strings.Contains(body, "Signature verification failed") {
			r.StatusCode, body = http.StatusOK, "{}"
		}
		return body
	},
	"a message": func(_ *http.Response, body string) string {
		return strings.Replace(body, "Token has", "The token has", 1)
	},
	"a header": func(r *http.Response, body string) string { r.Header.Set("Vary", "Cookie"); return body },
	"a claim": func(_ *http.Response, body string) string {
		return strings.Replace(body, `"fresh":false`, `"fresh":true`, 1)
	},
	"a cookie's attribute":  inCookies(func(line string) string { return strings.Replace(line, "; HttpOnly", "", 1) }),
	"a cookie's path":       inCookies(func(line string) string { return strings.Replace(line, "Path=/", "Path=/x", 1) }),
	"a cookie that is left": inCookies(func(line string) string { return strings.Replace(line, "csrf_refresh_token", "csrf_other_token", 1) }),
	"a cookie's end":        inCookies(func(line string) string { return strings.Replace(line, "1970", "2070", 1) }),
	"a lifetime":            func(_ *http.Response, body string) string { return longer(body) },
	"a claim in a new token": func(_ *http.Response, body string) string {
		return strings.Replace(body, `{"token":"ey`, `{"token":"fy`, 1)
	},
}

// longer lets the token of an answer live five seconds longer.
func longer(body string) string {
	before, rest, ok := strings.Cut(body, `{"token":"`)
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 {
		return body
	}
	var claims object
	d := json.NewDecoder(bytes.NewReader(must(base64.RawURLEncoding.DecodeString(parts[1]))))
	d.UseNumber()
	if err := d.Decode(&claims); err != nil {
		panic(err)
	}
	if exp, ok := claims["exp"].(json.Number); ok {
		n, _ := exp.Int64()
		claims["exp"] = n + 5
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(compact(claims)))
	return before + `{"token":"` + strings.Join(parts, ".")
}

func inCookies(change func(string) string) func(*http.Response, string) string {
	return func(r *http.Response, body string) string {
		for i, line := range r.Header["Set-Cookie"] {
			r.Header["Set-Cookie"][i] = change(line)
		}
		return body
	}
}

// faulty is an application whose answers are changed.
type faulty struct {
	http.Handler
	change func(*http.Response, string) string
}

func (f faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder := httptest.NewRecorder()
	f.Handler.ServeHTTP(recorder, r)
	res := recorder.Result()
	body := f.change(res, recorder.Body.String())
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	io.Copy(w, bytes.NewReader([]byte(body)))
}

// TestPlantedDifferences: the comparison finds each fault that is planted on our side.
func TestPlantedDifferences(t *testing.T) {
	l, rows := startLive(t), listed(t)
	s := with("JWT_SESSION_COOKIE", false)
	s.Name = "planted"
	if err := l.add(s.spec); err != nil {
		t.Fatal(err)
	}
	good := l.apps[s.Name]
	requests := s.requests(1)
	for name, change := range planted {
		l.apps[s.Name] = faulty{good, change}
		n := tally{}
		for _, q := range requests {
			n.judge(s, q, differences(l.ask(l.flask, s.Name, q), l.ask(l.gate, s.Name, q)), rows)
		}
		if n.others == 0 {
			t.Errorf("%s is changed, and no comparison of %d shows it", name, n.all)
		}
	}
}
