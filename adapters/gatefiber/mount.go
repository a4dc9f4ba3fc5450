package gatefiber

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/gofiber/fiber/v3"
)

// Mount serves h below prefix, such as the handler that session.Manager.Handler("/auth/")
// returns. Fiber must have no other routes below prefix, except those that were added
// before.
//
// The request of h has copies of all strings, the context c.Context() and the address of
// the client. With Fiber's package adaptor its strings would change when Fiber reuses
// their memory, and a store may have kept them. h cannot stream its answer and cannot take
// over the connection.
func Mount(r fiber.Router, prefix string, h http.Handler) {
	r.All(prefix+"*", func(c fiber.Ctx) error {
		req, err := convert(c)
		if err != nil {
			return fiber.ErrBadRequest
		}
		w := newWriter(c)
		h.ServeHTTP(w, req)
		w.writeHeader(c)
		c.Response().SetBody(w.body)
		c.Status(cmp.Or(w.status, http.StatusOK))
		return nil
	})
}

// convert returns the request for net/http.
func convert(c fiber.Ctx) (*http.Request, error) {
	q := c.Request()
	var body io.Reader
	if q.IsBodyStream() {
		// Otherwise the server would read what h leaves as the next request.
		c.RequestCtx().SetConnectionClose()
		body = q.BodyStream()
	} else {
		body = bytes.NewReader(bytes.Clone(q.Body()))
	}
	uri := string(q.Header.RequestURI())
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, err
	}
	req := &http.Request{
		Method: string(q.Header.Method()), URL: u, RequestURI: uri, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Host: string(q.Header.Host()), Body: io.NopCloser(body), ContentLength: int64(q.Header.ContentLength()),
		RemoteAddr: c.RequestCtx().RemoteAddr().String(), TLS: c.RequestCtx().TLSConnectionState(),
	}
	for name, value := range q.Header.All() {
		req.Header.Add(string(name), string(value))
	}
	return req.WithContext(c.Context()), nil
}

// writer is an http.ResponseWriter that keeps the answer.
type writer struct {
	header http.Header
	status int // 0 before the first write
	body   []byte
	before http.Header // what the response had
}

// newWriter returns a writer that has the headers of the response, without the values of
// Set-Cookie.
func newWriter(c fiber.Ctx) *writer {
	w := &writer{header: http.Header{}}
	for name, value := range c.Response().Header.All() {
		w.header[string(name)] = append(w.header[string(name)], string(value))
	}
	delete(w.header, "Content-Length")
	delete(w.header, "Content-Type") // Fiber's default
	w.header["Set-Cookie"] = nil
	w.before = w.header.Clone()
	return w
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b...)
	return len(b), nil
}

// WriteHeader implements http.ResponseWriter. Only the first final status counts.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

// writeHeader changes the headers of the response.
func (w *writer) writeHeader(c fiber.Ctx) {
	h := &c.Response().Header
	for name := range w.before {
		if _, kept := w.header[name]; !kept {
			h.Del(name)
		}
	}
	for name, values := range w.header {
		if name != "Set-Cookie" {
			if slices.Equal(values, w.before[name]) {
				continue
			}
			h.Del(name)
		}
		for _, v := range values {
			h.Add(name, v)
		}
	}
}
