package gatefiber

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/jwtgate/gate"
)

// request is what a gate reads of a request. Nothing that it returns is memory of the
// server, which is used for other requests later.
type request struct {
	c        fiber.Ctx
	verbatim bool // the server leaves header names as they were sent
}

// Method implements gate.Request.
func (r request) Method() string { return strings.Clone(r.c.Method()) }

// Host implements gate.Request.
func (r request) Host() string { return string(r.c.Request().Header.Host()) }

// Header implements gate.Request.
func (r request) Header(name string) (values []string) {
	h := &r.c.Request().Header
	if r.verbatim {
		for k, v := range h.All() {
			if strings.EqualFold(string(k), name) {
				values = append(values, string(v))
			}
		}
		return values
	}
	for _, v := range h.PeekAll(name) {
		values = append(values, string(v))
	}
	return values
}

// Cookies implements gate.Request, by the rules of net/http.
func (r request) Cookies(name string) []string {
	lines := http.Header{"Cookie": r.Header("Cookie")}
	return gate.HTTPRequest(&http.Request{Header: lines}).Cookies(name)
}

// Query implements gate.Request, by the rules of net/http.
func (r request) Query(name string) []string {
	u := &url.URL{RawQuery: string(r.c.Request().URI().QueryString())}
	return gate.HTTPRequest(&http.Request{URL: u}).Query(name)
}

// PathValue implements gate.Request. No token has a percent sign that would be decoded
// twice where fiber.Config.UnescapePath is set.
func (r request) PathValue(name string) string {
	v := r.c.Params(name)
	if decoded, err := url.PathUnescape(v); err == nil {
		v = decoded
	}
	return strings.Clone(v)
}

// Body implements gate.Request. Of a body that Fiber hands on as a stream nothing is read
// unless its length is known and within the limit.
func (r request) Body(limit int) (data []byte, whole bool, err error) {
	q := r.c.Request()
	if n := q.Header.ContentLength(); q.IsBodyStream() && (n < 0 || n > limit) {
		return nil, false, nil
	}
	body := q.Body()
	if len(body) > limit {
		return bytes.Clone(body[:limit]), false, nil
	}
	return bytes.Clone(body), true, nil
}
