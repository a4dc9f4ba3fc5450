package gatefiber

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/jwtgate/gate"
)

// Request returns the request of c for what a handler asks itself, such as
// gate.Gate.CheckRequest, session.Manager.RefreshRequest and session.DeviceOf. All strings
// are copies, which can be kept after the request.
func Request(c fiber.Ctx) gate.Request {
	return request{c, c.App().Config().DisableHeaderNormalizing}
}

// request implements gate.Request. It returns copies, since Fiber reuses its memory for
// other requests.
type request struct {
	c        fiber.Ctx
	verbatim bool // the server does not normalize header names
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

// PathValue implements gate.Request. With fiber.Config.UnescapePath the value is decoded
// twice. That does no harm: no token contains a percent sign.
func (r request) PathValue(name string) string {
	v := r.c.Params(name)
	if decoded, err := url.PathUnescape(v); err == nil {
		v = decoded
	}
	return strings.Clone(v)
}

// Body implements gate.Request. If Fiber passes the body as a stream, it is read only if
// its length is known and within the limit.
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
