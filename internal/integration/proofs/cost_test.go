package proofs_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
	"github.com/jwtgate/gate/keys"
)

func TestRefusalsAreCheap(t *testing.T) {
	run(t, []proof{
		{"a long header costs memory", longHeaders},
		{"a body costs more memory than it has", bodies},
		{"a token without kid is tried with every key", withoutKeyID},
	})
}

// allocated returns the bytes that a call allocates.
func allocated(f func()) uint64 {
	f()
	const n = 3
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / n
}

func longHeaders(a *attack) {
	const size, most = 1 << 20, 64 << 10
	gates := map[string]*gate.Gate{
		"gate":  newGate(gate.Config{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(), gate.FromQuery("jwt", "")}}),
		"flask": must(flask.New(map[string]any{"JWT_SECRET_KEY": strings.Repeat("secret-k", 4), "JWT_TOKEN_LOCATION": []string{"headers", "cookies", "query_string"}}, nil)),
	}
	for name, value := range map[string]string{
		"Authorization: commas": strings.Repeat(",", size), "Authorization: schemes": strings.Repeat("Bearer,", size/7),
		"Authorization: words": strings.Repeat("a ", size/2), "Authorization: scheme and words": "Bearer " + strings.Repeat("a ", size/2),
		"Authorization: one token": "Bearer " + strings.Repeat("a", size), "Authorization: dots": "Bearer " + strings.Repeat(".", size),
		"Cookie: many": strings.Repeat("a=b; ", size/5), "Cookie: of one name": strings.Repeat(cookie+"=x; ", size/25),
	} {
		header, _, _ := strings.Cut(name, ":")
		for of, g := range gates {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set(header, value)
			cost := allocated(func() {
				if _, err := g.Check(r, gate.Policy{}); err == nil {
					a.Fatal("accepted")
				}
				if a.planted {
					_ = strings.Split(value, ",")
					_ = strings.Fields(value)
				}
			})
			if cost > most {
				a.gain("%s, %s: %d KiB", of, name, cost>>10)
			}
		}
	}
}

func bodies(a *attack) {
	const size = 256 << 10
	g := newGate(gate.Config{Locations: []gate.Location{gate.FromJSON("access_token", "refresh_token"), gate.FromCookies()},
		Cookies: gate.Cookies{CSRF: gate.CSRF{Form: true}}})
	raw := access(g, "alice", gate.TokenOptions{})
	form, parts := "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
	for name, body := range map[string]struct{ kind, text string }{
		"JSON, many members":     {"application/json", "{" + strings.Repeat(`"a":0,`, size/6-10) + `"z":0}`},
		"JSON, many objects":     {"application/json", `{"a":[` + strings.Repeat(`{"":0},`, size/7-10) + "0]}"},
		"JSON, escapes":          {"application/json", `{"a":"` + strings.Repeat(`\ud83d\ude00`, size/12-10) + `"}`},
		"form, small pairs":      {form, strings.Repeat("&", size-100)},
		"form, escapes":          {form, "a=" + strings.Repeat("%61", size/3-10)},
		"multipart, many parts":  {parts, strings.Repeat("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n", size/50-10)},
		"multipart, header line": {parts, "--x\r\nContent-Disposition: form-data; " + strings.Repeat("a=b;", size/4-20)},
	} {
		cost := allocated(func() {
			r := httptest.NewRequest("POST", "/", strings.NewReader(body.text))
			r.Header.Set("Content-Type", body.kind)
			r.Header.Set("Cookie", cookie+"="+raw)
			if _, err := g.Check(r, gate.Policy{}); err == nil {
				a.Fatal("accepted")
			}
			if a.planted {
				for range 4 {
					_ = strings.SplitAfter(body.text, "")
				}
			}
		})
		if cost > 24*size { // with the race detector; 10 without it
			a.gain("%s: %d KiB", name, cost>>10)
		}
	}
}

// counting counts how many keys a token is tried with.
type counting struct {
	keys.Source
	tried *int
}

func (c counting) VerificationKeys(ctx context.Context, u keys.Unverified) ([]*keys.Key, error) {
	list, err := c.Source.VerificationKeys(ctx, u)
	*c.tried += len(list)
	return list, err
}

func withoutKeyID(a *attack) {
	enc := base64.RawURLEncoding.EncodeToString
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		var all []*keys.Key
		for i := range 8 {
			all = append(all, must(keys.Generate(alg)).WithID(fmt.Sprint(i)))
		}
		set, tried := must(keys.NewSet(nil, all...)), 0
		if a.planted {
			set = set.TryWithoutKeyID()
		}
		g := must(gate.New(gate.Config{Keys: counting{set, &tried}}))
		forged := enc([]byte(`{"alg":"`+string(alg)+`"}`)) + ".e30." + enc(make([]byte, 64))
		if _, err := check(g, forged); err == nil {
			a.Fatal("accepted")
		}
		if tried > 0 {
			a.gain("%s: %d keys", alg, tried)
		}
	}
}
