package gategin

import (
	"bufio"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// before calls the other handlers with a writer that calls set once, just before the
// header of the response is sent. set is not called after a panic or for a hijacked
// connection.
func before(c *gin.Context, set func(http.ResponseWriter)) {
	outer := c.Writer
	w := &writer{ResponseWriter: outer, set: set}
	c.Writer = w
	defer func() { c.Writer = outer }()
	c.Next()
	w.setNow()
}

// writer is a gin.ResponseWriter that calls set before the header is sent.
type writer struct {
	gin.ResponseWriter
	set func(http.ResponseWriter)
}

func (w *writer) setNow() {
	if set := w.set; set != nil && !w.Written() {
		w.set = nil
		set(w.ResponseWriter)
	}
}

// WriteHeaderNow implements gin.ResponseWriter.
func (w *writer) WriteHeaderNow() {
	w.setNow()
	w.ResponseWriter.WriteHeaderNow()
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	w.setNow()
	return w.ResponseWriter.Write(b)
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) {
	w.setNow()
	return w.ResponseWriter.WriteString(s)
}

// Flush implements http.Flusher.
func (w *writer) Flush() {
	w.setNow()
	w.ResponseWriter.Flush()
}

// Hijack implements http.Hijacker. It does not call set.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.set = nil
	return w.ResponseWriter.Hijack()
}

// Unwrap returns the original writer, for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
