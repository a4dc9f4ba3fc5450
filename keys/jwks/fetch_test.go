package jwks_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

func text(t string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, t) }
}

// TestFetchRefuses: what is no set of usable keys, or too much, changes nothing.
func TestFetchRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"))
		r := i.remote(t, jwks.Options{})
		wantKeys(t, r, of("a"), "ES256/a")
		for _, tt := range []struct {
			name    string
			handler http.HandlerFunc
			want    string
		}{
			{"nothing", text(""), "not a JWK Set"},
			{"HTML", text("<!DOCTYPE html><html><body>log in"), "a page in HTML"},
			{"no keys", text(`{"keys":[]}`), "no keys"},
			{"no usable key", text(`{"keys":[{"kty":"EC","use":"enc"}]}`), `use "enc"`},
			{"secret", text(`{"keys":[{"kty":"oct","alg":"HS256","kid":"a","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}]}`), "shows a private key or secret"},
			{"too many keys", text(`{"keys":[` + strings.Repeat(`{},`, 10_000) + `{}]}`), "more than 100 keys"},
			{"too long", text(`{"keys":[` + strings.Repeat(" ", 1<<20) + `]}`), "longer than 1 MiB"},
			{"not found", http.NotFound, "status 404"},
			{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "status 204"},
		} {
			time.Sleep(time.Minute)
			i.serve(tt.handler)
			wantError(t, r, of(tt.name), tt.want)
			wantKeys(t, r, of("a"), "ES256/a")
			if err := r.Health().Err; err == nil || !strings.Contains(err.Error(), address) {
				t.Errorf("%s: the error does not name the URL: %v", tt.name, err)
			}
		}
	})
}

func TestFetchCaches(t *testing.T) {
	for _, tt := range []struct {
		name, header string // lines of the header
		want         time.Duration
	}{
		{"no header", "", 15 * time.Minute},
		{"within bounds", "Cache-Control: public, max-age=600", 10 * time.Minute},
		{"quoted, in capitals", `Cache-Control: Public, Max-Age="600"`, 10 * time.Minute},
		{"age", "Cache-Control: max-age=900\nAge: 300", 10 * time.Minute},
		{"for long", "Cache-Control: max-age=86400", 15 * time.Minute},
		{"for ever", "Cache-Control: max-age=99999999999999999999", 5 * time.Minute},
		{"negative", "Cache-Control: max-age=-1", 5 * time.Minute},
		{"never", "Cache-Control: no-store", 5 * time.Minute},
		{"not without asking", "Cache-Control: no-cache, max-age=600", 5 * time.Minute},
		{"expires", "Date: Sat, 01 Jan 2000 00:00:00 GMT\nExpires: Sat, 01 Jan 2000 00:10:00 GMT", 10 * time.Minute},
		{"has expired", "Date: Sat, 01 Jan 2000 00:00:00 GMT\nExpires: Sat, 01 Jan 1999 00:00:00 GMT", 5 * time.Minute},
		{"no date", "Expires: Sat, 01 Jan 2000 00:10:00 GMT", 15 * time.Minute},
		{"max-age before expires", "Cache-Control: max-age=600\nDate: Sat, 01 Jan 2000 00:00:00 GMT\nExpires: Sat, 01 Jan 2000 00:14:00 GMT", 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := newIssuer(newKey("a"))
			good := i.handler
			i.serve(func(w http.ResponseWriter, r *http.Request) {
				for line := range strings.Lines(tt.header) {
					name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
					w.Header().Set(name, value)
				}
				good(w, r)
			})
			r := i.remote(t, jwks.Options{})
			if err := r.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			h := r.Health()
			if got := h.Due.Sub(h.Fetched); got != tt.want || h.Closed.Sub(h.Fetched) != 24*time.Hour {
				t.Errorf("due after %s, want %s; closed after %s", got, tt.want, h.Closed.Sub(h.Fetched))
			}
		})
	}
}

// TestFetchNotModified: an issuer that has an ETag is asked whether the set has changed.
func TestFetchNotModified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"))
		h := jwks.Handler(must(keys.NewSet(newKey("a"))), time.Minute)
		var statuses []int
		i.serve(func(w http.ResponseWriter, r *http.Request) {
			c := httptest.NewRecorder()
			h.ServeHTTP(c, r)
			statuses = append(statuses, c.Code)
			w.Header().Set("ETag", c.Header().Get("ETag"))
			w.WriteHeader(c.Code)
			w.Write(c.Body.Bytes())
		})
		r := i.remote(t, jwks.Options{})
		wantKeys(t, r, of("a"), "ES256/a")
		first := r.Health()
		time.Sleep(15 * time.Minute)
		wantKeys(t, r, of("a"), "ES256/a")
		if fmt.Sprint(statuses) != "[200 304]" || r.Health().Due.Sub(first.Due) != 15*time.Minute {
			t.Errorf("statuses = %v, due %s later", statuses, r.Health().Due.Sub(first.Due))
		}
	})
}

// local is a server on this machine.
func local(t *testing.T, h http.Handler, o jwks.Options) (*httptest.Server, *jwks.Remote) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.InsecureLoopback = true
	return srv, must(jwks.New(srv.URL+"/jwks.json", o))
}

func TestFetchLocal(t *testing.T) {
	set := must(keys.NewSet(newKey("a")))
	_, r := local(t, jwks.Handler(set, 0), jwks.Options{})
	wantKeys(t, r, of("a"), "ES256/a")
}

func TestFetchRedirects(t *testing.T) {
	good := jwks.Handler(must(keys.NewSet(newKey("a"))), 0)
	other := httptest.NewServer(good)
	defer other.Close()
	mux := http.NewServeMux()
	_, r := local(t, mux, jwks.Options{Cooldown: time.Nanosecond})
	mux.Handle("/real", good)
	var to string
	mux.HandleFunc("/jwks.json", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
	for _, tt := range []struct{ name, to, want string }{
		{"to itself", "/jwks.json", "more than 3 redirects"},
		{"to another port", other.URL, "another origin"},
		{"to another scheme", strings.Replace(other.URL, "http:", "https:", 1), "another origin"},
		{"to the metadata of a cloud", "http://169.254.169.254/latest/", "another origin"},
		{"to a file", "file:///etc/passwd", "another origin"},
	} {
		to = tt.to
		wantError(t, r, of("a"), tt.want)
	}
	to = "/real"
	wantKeys(t, r, of("a"), "ES256/a")
}

// TestFetchAddresses: a name that leads into a private network is not connected to.
func TestFetchAddresses(t *testing.T) {
	named := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for _, tt := range []struct {
		host    string
		o       jwks.Options
		refused bool
	}{
		{"10.0.0.1", jwks.Options{}, true},
		{"192.168.1.1", jwks.Options{}, true},
		{"172.16.0.1", jwks.Options{}, true},
		{"127.0.0.1", jwks.Options{}, true},
		{"localhost", jwks.Options{}, true},
		{"0.0.0.0", jwks.Options{}, true},
		{"169.254.169.254", jwks.Options{InsecureLoopback: true}, true},
		{"100.64.0.1", jwks.Options{}, true},
		{"198.18.0.1", jwks.Options{}, true},
		{"224.0.0.1", jwks.Options{}, true},
		{"255.255.255.255", jwks.Options{}, true},
		{"[::1]", jwks.Options{}, true},
		{"[::]", jwks.Options{}, true},
		{"[::ffff:10.0.0.1]", jwks.Options{}, true},
		{"[64:ff9b::a00:1]", jwks.Options{}, true},
		{"[fd00::1]", jwks.Options{}, true},
		{"[fe80::1]", jwks.Options{}, true},
		{"10.2.0.1", jwks.Options{Networks: named}, true},
		{"127.0.0.1", jwks.Options{InsecureLoopback: true}, false},
	} {
		t.Run(tt.host, func(t *testing.T) {
			tt.o.Timeout = 10 * time.Second // each ends at once
			r, err := jwks.New("https://"+tt.host+":1/jwks.json", tt.o)
			if err != nil {
				t.Fatal(err)
			}
			err = r.Ready(t.Context())
			if err == nil {
				t.Fatal("a set from nowhere")
			}
			if got := strings.Contains(err.Error(), "is private, local or reserved"); got != tt.refused {
				t.Errorf("error = %v, want refused = %v", err, tt.refused)
			}
		})
	}
}

// TestFetchBounds: a server that is slow or sends too much costs a bounded time and
// memory.
func TestFetchBounds(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 8<<20))
	z.Close()
	for _, tt := range []struct {
		name, want string
		timeout    time.Duration
		handler    http.HandlerFunc
	}{
		{"slow", "deadline exceeded", 200 * time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}},
		{"endless", "longer than 1 MiB", time.Minute, func(w http.ResponseWriter, r *http.Request) {
			for part := make([]byte, 32<<10); r.Context().Err() == nil; {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		}},
		{"announced", "longer than 1 MiB", time.Minute, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "1073741824") }},
		{"compressed", "not a JWK Set", time.Minute, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		}},
		{"cut short", "unexpected EOF", time.Minute, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"keys":[`)
		}},
		{"header without end", "header", time.Minute, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, r := local(t, tt.handler, jwks.Options{Timeout: tt.timeout})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			wantError(t, r, of("a"), tt.want)
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %s", d)
			}
			// Server and client are one process here.
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 2<<20 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}
