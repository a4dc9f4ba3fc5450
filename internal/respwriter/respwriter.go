// Package respwriter wraps an http.ResponseWriter without hiding its optional methods.
package respwriter

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// An Observer is called before a response is sent.
type Observer interface {
	// BeforeHeader is called before each call that may send the header of the response. It
	// is the last chance to change the header. It may be called more than once.
	BeforeHeader()
	// BeforeHijack is called before the handler takes over the connection. The handler then
	// writes the header itself.
	BeforeHijack()
}

// Wrap returns a writer that calls o. It has the same optional methods as w, because
// frameworks use type assertions to find out which methods a writer has.
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

// FlushError is called by http.ResponseController. It writes the header.
func (w *writer) FlushError() error {
	w.o.BeforeHeader()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find the other methods of the writer.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// flusher implements http.Flusher. Flush writes the header.
type flusher struct{ w *writer }

func (f flusher) Flush() { _ = f.w.FlushError() }

// hijacker implements http.Hijacker. The handler then writes the header itself.
type hijacker struct{ w *writer }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.w.o.BeforeHijack()
	return h.w.ResponseWriter.(http.Hijacker).Hijack()
}

// readerFrom implements io.ReaderFrom, which net/http uses to send files without copying.
type readerFrom struct{ w *writer }

func (f readerFrom) ReadFrom(src io.Reader) (int64, error) {
	f.w.o.BeforeHeader()
	return f.w.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// closeNotifier is http.CloseNotifier, which is deprecated but still used.
type closeNotifier interface{ CloseNotify() <-chan bool }

// A bit for each optional method of a ResponseWriter.
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
