package gateecho

import (
	"bufio"
	"net"
	"net/http"

	"github.com/labstack/echo/v5"
)

// before calls next with a writer that calls set once, just before the header of the
// response is sent. set is not called after a panic or for a hijacked connection.
func before(c *echo.Context, next echo.HandlerFunc, set func(http.ResponseWriter)) error {
	outer := c.Response()
	w := &writer{ResponseWriter: outer, set: set}
	c.SetResponse(w)
	defer c.SetResponse(outer)
	err := next(c)
	w.setNow()
	return err
}

// writer is a response that calls set before its header is sent.
type writer struct {
	http.ResponseWriter
	set func(http.ResponseWriter)
}

func (w *writer) setNow() {
	if set := w.set; set != nil {
		w.set = nil
		set(w.ResponseWriter)
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	w.setNow()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	w.setNow()
	return w.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *writer) FlushError() error {
	w.setNow()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker. It does not call set.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.set = nil
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap returns the original writer, for http.ResponseController and Echo.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
