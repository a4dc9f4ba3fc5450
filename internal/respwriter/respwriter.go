// Package respwriter wraps an http.ResponseWriter without hiding what it can do.
package respwriter

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// An Observer is told about a response before it happens.
type Observer interface {
	// BeforeHeader is called before each call that may send the header of the response:
	// the last moment to change it. It may be called more than once.
	BeforeHeader()
	// BeforeHijack is called when the handler takes over the connection: it writes the
	// header itself.
	BeforeHijack()
}

// Wrap returns a writer that tells o what is about to happen. It has the optional methods
// of w, and no others: frameworks ask for them by type, and act on the answer.
func Wrap(w http.ResponseWriter, o Observer) http.ResponseWriter {
	return abilities[bit[http.Flusher](w, canFlush)|
		bit[http.Hijacker](w, canHijack)|
		bit[io.ReaderFrom](w, canReadFrom)|
		bit[http.Pusher](w, canPush)|
		bit[closeNotifier](w, canNotify)](&writer{w, o})
}

// writer has the methods that every writer has.
type writer struct {
	http.ResponseWriter
	o Observer
}

func (w *writer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.o.BeforeHeader()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.o.BeforeHeader()
	return w.ResponseWriter.Write(b)
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) {
	w.o.BeforeHeader()
	return io.WriteString(w.ResponseWriter, s)
}

// FlushError is what http.ResponseController calls; it writes the header.
func (w *writer) FlushError() error {
	w.o.BeforeHeader()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the rest of the writer's abilities.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// flusher is http.Flusher, which writes the header.
type flusher struct{ w *writer }

func (f flusher) Flush() { _ = f.w.FlushError() }

// hijacker is http.Hijacker. Who takes the connection writes the header itself.
type hijacker struct{ w *writer }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.w.o.BeforeHijack()
	return h.w.ResponseWriter.(http.Hijacker).Hijack()
}

// readerFrom is io.ReaderFrom, by which net/http sends files without copying.
type readerFrom struct{ w *writer }

func (f readerFrom) ReadFrom(src io.Reader) (int64, error) {
	f.w.o.BeforeHeader()
	return f.w.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// closeNotifier is http.CloseNotifier, which is deprecated and still asked for.
type closeNotifier interface{ CloseNotify() <-chan bool }

// The optional abilities of a ResponseWriter.
const (
	canFlush = 1 << iota
	canHijack
	canReadFrom
	canPush
	canNotify
)

// bit returns b if w is a T.
func bit[T any](w http.ResponseWriter, b int) int {
	if _, ok := w.(T); ok {
		return b
	}
	return 0
}
