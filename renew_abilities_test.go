package gate_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

// The optional methods of a ResponseWriter, each noting that it was called.
type (
	plainWriter struct {
		*httptest.ResponseRecorder
		called *[]string
	}
	flusher       struct{ w plainWriter }
	hijacker      struct{ w plainWriter }
	readerFrom    struct{ w plainWriter }
	pusher        struct{ w plainWriter }
	closeNotifier struct{ w plainWriter }
)

var errHijack = errors.New("hijacked")

func (p plainWriter) note(name string) { *p.called = append(*p.called, name) }
func (f flusher) Flush()               { f.w.note("Flush"); f.w.WriteHeader(200) }
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.w.note("Hijack")
	return nil, nil, errHijack
}
func (f readerFrom) ReadFrom(r io.Reader) (int64, error) {
	f.w.note("ReadFrom")
	return f.w.Body.ReadFrom(r)
}
func (p pusher) Push(string, *http.PushOptions) error { p.w.note("Push"); return nil }
func (c closeNotifier) CloseNotify() <-chan bool      { c.w.note("CloseNotify"); return nil }

// onlyWriter hides the optional methods of the recorder.
type onlyWriter struct{ http.ResponseWriter }

// writers are the sets of optional methods that the test tries: those of servers and
// frameworks, each method alone, and all.
func writers(p plainWriter) map[string]http.ResponseWriter {
	w := onlyWriter{p}
	f, h, r, s, c := flusher{p}, hijacker{p}, readerFrom{p}, pusher{p}, closeNotifier{p}
	return map[string]http.ResponseWriter{
		"": w,
		"Flush": struct {
			onlyWriter
			flusher
		}{w, f},
		"Hijack": struct {
			onlyWriter
			hijacker
		}{w, h},
		"ReadFrom": struct {
			onlyWriter
			readerFrom
		}{w, r},
		"Push": struct {
			onlyWriter
			pusher
		}{w, s},
		"CloseNotify": struct {
			onlyWriter
			closeNotifier
		}{w, c},
		"Flush Hijack ReadFrom CloseNotify": struct {
			onlyWriter
			flusher
			hijacker
			readerFrom
			closeNotifier
		}{w, f, h, r, c},
		"Flush Push CloseNotify": struct {
			onlyWriter
			flusher
			pusher
			closeNotifier
		}{w, f, s, c},
		"Flush Hijack ReadFrom Push CloseNotify": struct {
			onlyWriter
			flusher
			hijacker
			readerFrom
			pusher
			closeNotifier
		}{w, f, h, r, s, c},
	}
}

// use calls each optional method that w has, and returns their names.
func use(w http.ResponseWriter) string {
	var has []string
	if f, ok := w.(http.Flusher); ok {
		has = append(has, "Flush")
		f.Flush()
	}
	if h, ok := w.(http.Hijacker); ok {
		has = append(has, "Hijack")
		if _, _, err := h.Hijack(); !errors.Is(err, errHijack) {
			panic(err)
		}
	}
	if r, ok := w.(io.ReaderFrom); ok {
		has = append(has, "ReadFrom")
		_, _ = r.ReadFrom(strings.NewReader("x"))
	}
	if p, ok := w.(http.Pusher); ok {
		has = append(has, "Push")
		_ = p.Push("/x", nil)
	}
	if c, ok := w.(interface{ CloseNotify() <-chan bool }); ok {
		has = append(has, "CloseNotify")
		c.CloseNotify()
	}
	return strings.Join(has, " ")
}

// Behind Renew a writer has the optional methods it had, and no others.
func TestRenewKeepsAbilities(t *testing.T) {
	g := site{}.gate(t)
	var called []string
	for want := range writers(plainWriter{httptest.NewRecorder(), &called}) {
		t.Run(want, func(t *testing.T) {
			called = nil
			p := plainWriter{httptest.NewRecorder(), &called}
			g.Renew(gate.RenewOptions{})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if got := use(w); got != want {
					t.Errorf("the handler's writer has %q, want %q", got, want)
				}
			})).ServeHTTP(writers(p)[want], request("GET", "/"))
			if got := strings.Join(called, " "); got != want {
				t.Errorf("called were %q, want %q", got, want)
			}
		})
	}
}

// Every set of methods, by its number of bits.
func TestRenewAllAbilities(t *testing.T) {
	seen := map[string]bool{}
	for mask := range 32 {
		has := gate.AbilitiesForTest(mask)
		want := ""
		for i, name := range []string{"Flush", "Hijack", "ReadFrom", "Push", "CloseNotify"} {
			if mask>>i&1 == 1 {
				want += name + " "
			}
		}
		if has != want {
			t.Errorf("set %05b has %q, want %q", mask, has, want)
		}
		seen[has] = true
	}
	if len(seen) != 32 {
		t.Errorf("%d sets, want 32", len(seen))
	}
}

// The cookies go out with the header that a method writes; who takes the connection
// writes his own, and no token is made in vain.
func TestRenewByAbility(t *testing.T) {
	for name, tt := range map[string]struct {
		handler func(w http.ResponseWriter)
		want    bool
	}{
		"Flush":       {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, true},
		"ReadFrom":    {func(w http.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader("x")) }, true},
		"WriteString": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }, true},
		"Hijack":      {func(w http.ResponseWriter) { _, _, _ = w.(http.Hijacker).Hijack() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := site{}.gate(t)
			var called []string
			p := plainWriter{httptest.NewRecorder(), &called}
			full := writers(p)["Flush Hijack ReadFrom Push CloseNotify"]
			g.Renew(gate.RenewOptions{})(g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tt.handler(w)
			}))).ServeHTTP(full, cookie(ending()))
			if got := p.Header()["Set-Cookie"]; (len(got) == 2) != tt.want {
				t.Errorf("cookies = %v, want some: %v", fmt.Sprint(len(got)), tt.want)
			}
		})
	}
}
