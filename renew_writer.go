package gate

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// renewWriter adds cookies at the last moment at which a response takes them. Its
// optional methods are those of the writer below: see [renewWriter.withAbilities].
type renewWriter struct {
	http.ResponseWriter
	renewal lastStep
}

// A lastStep adds cookies to a response, once, or leaves it as it is.
type lastStep interface {
	finish(w http.ResponseWriter)
	abandon()
}

func (w *renewWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.renewal.finish(w.ResponseWriter)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *renewWriter) Write(b []byte) (int, error) {
	w.renewal.finish(w.ResponseWriter)
	return w.ResponseWriter.Write(b)
}

// WriteString implements io.StringWriter.
func (w *renewWriter) WriteString(s string) (int, error) {
	w.renewal.finish(w.ResponseWriter)
	return io.WriteString(w.ResponseWriter, s)
}

// FlushError is what http.ResponseController calls; it writes the header.
func (w *renewWriter) FlushError() error {
	w.renewal.finish(w.ResponseWriter)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the rest of the writer's abilities.
func (w *renewWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// renewFlusher is http.Flusher, which writes the header.
type renewFlusher struct{ w *renewWriter }

func (f renewFlusher) Flush() { _ = f.w.FlushError() }

// renewHijacker is http.Hijacker. Who takes the connection writes the header himself,
// so the cookies cannot be added any more.
type renewHijacker struct{ w *renewWriter }

func (h renewHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.w.renewal.abandon()
	return h.w.ResponseWriter.(http.Hijacker).Hijack()
}

// renewReaderFrom is io.ReaderFrom, by which net/http sends files without copying.
type renewReaderFrom struct{ w *renewWriter }

func (f renewReaderFrom) ReadFrom(src io.Reader) (int64, error) {
	f.w.renewal.finish(f.w.ResponseWriter)
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

// withAbilities returns w with the optional methods that the writer below has, and no
// others: frameworks ask for them by type, and act on the answer.
func (w *renewWriter) withAbilities() http.ResponseWriter {
	below := w.ResponseWriter
	return abilities[bit[http.Flusher](below, canFlush)|
		bit[http.Hijacker](below, canHijack)|
		bit[io.ReaderFrom](below, canReadFrom)|
		bit[http.Pusher](below, canPush)|
		bit[closeNotifier](below, canNotify)](w)
}

// bit returns b if w is a T.
func bit[T any](w http.ResponseWriter, b int) int {
	if _, ok := w.(T); ok {
		return b
	}
	return 0
}
