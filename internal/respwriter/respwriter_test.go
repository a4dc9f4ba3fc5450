package respwriter_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/respwriter"
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

// observer notes what it is told.
type observer struct{ told []string }

func (o *observer) BeforeHeader() { o.told = append(o.told, "header") }
func (o *observer) BeforeHijack() { o.told = append(o.told, "hijack") }

// A wrapped writer has the optional methods it had, and no others.
func TestWrapKeepsAbilities(t *testing.T) {
	var called []string
	for want := range writers(plainWriter{httptest.NewRecorder(), &called}) {
		t.Run(want, func(t *testing.T) {
			called = nil
			w := respwriter.Wrap(writers(plainWriter{httptest.NewRecorder(), &called})[want], new(observer))
			if got := use(w); got != want {
				t.Errorf("the wrapped writer has %q, want %q", got, want)
			}
			if got := strings.Join(called, " "); got != want {
				t.Errorf("called were %q, want %q", got, want)
			}
		})
	}
}

// The observer is told before the header goes out, by whatever method.
func TestObserver(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(w http.ResponseWriter)
		want string
	}{
		"WriteHeader":          {func(w http.ResponseWriter) { w.WriteHeader(404) }, "header"},
		"an early answer":      {func(w http.ResponseWriter) { w.WriteHeader(103) }, ""},
		"Switching Protocols":  {func(w http.ResponseWriter) { w.WriteHeader(101) }, "header"},
		"Write":                {func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }, "header"},
		"WriteString":          {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }, "header"},
		"ReadFrom":             {func(w http.ResponseWriter) { _, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("x")) }, "header"},
		"Flush":                {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, "header"},
		"ResponseController":   {func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }, "header"},
		"Hijack":               {func(w http.ResponseWriter) { _, _, _ = w.(http.Hijacker).Hijack() }, "hijack"},
		"Hijack by controller": {func(w http.ResponseWriter) { _, _, _ = http.NewResponseController(w).Hijack() }, "hijack"},
		"Push":                 {func(w http.ResponseWriter) { _ = w.(http.Pusher).Push("/", nil) }, ""},
		"Header":               {func(w http.ResponseWriter) { w.Header().Set("A", "b") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var called []string
			o := new(observer)
			tt.do(respwriter.Wrap(writers(plainWriter{httptest.NewRecorder(), &called})["Flush Hijack ReadFrom Push CloseNotify"], o))
			if got := strings.Join(o.told, " "); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

// What is below can be reached.
func TestUnwrap(t *testing.T) {
	below := onlyWriter{httptest.NewRecorder()}
	w := respwriter.Wrap(below, new(observer))
	if got := w.(interface{ Unwrap() http.ResponseWriter }).Unwrap(); got != below {
		t.Errorf("Unwrap = %v", got)
	}
}

// Every set of methods, by its number of bits.
func TestAllAbilities(t *testing.T) {
	seen := map[string]bool{}
	for mask := range 32 {
		has := respwriter.Abilities(mask)
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
