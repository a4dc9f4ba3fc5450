package gate

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// A Request is the part of a request that a gate reads. Implement it to check requests
// that are not net/http's with [Gate.CheckRequest]. A nil slice means that there is no
// such value.
type Request interface {
	// Method returns the HTTP method in upper case.
	Method() string
	// Host returns the host that the request was sent to, with a port unless it is
	// the scheme's own: the Host header or :authority.
	Host() string
	// Header returns all values of a header. The case of the name does not matter.
	Header(name string) []string
	// Cookies returns the values of all cookies with exactly this name.
	Cookies(name string) []string
	// Query returns the decoded values of a parameter of the URL's query.
	Query(name string) []string
	// PathValue returns the decoded value of a wildcard in the pattern that the router
	// matched, or "".
	PathValue(name string) string
	// Body returns the first bytes of the body, at most limit, and whether that is the
	// whole body. The handler must still be able to read all of it.
	Body(limit int) (data []byte, whole bool, err error)
}

// Limits on what is read of a header. Servers accept a megabyte.
const (
	maxValues      = 100    // of one header, cookie or parameter
	maxParams      = 10_000 // of a query; net/url reads no query of more
	maxCookies     = 64 << 10
	maxContentType = 1 << 10
	maxOrigin      = 1 << 10
)

// checkSize refuses a header whose values are longer than max bytes together.
func checkSize(values []string, name string, max int) *Error {
	for _, v := range values {
		if max -= len(v); max < 0 {
			return refuseName(ErrInvalid, "header_too_large", name)
		}
	}
	return nil
}

// HTTPRequest returns r as a [Request], as [Gate.Check] sees it.
func HTTPRequest(r *http.Request) Request { return httpRequest{r} }

// httpRequest is the Request of net/http.
type httpRequest struct{ r *http.Request }

func (h httpRequest) Method() string { return h.r.Method }

func (h httpRequest) Host() string { return h.r.Host }

func (h httpRequest) PathValue(name string) string { return h.r.PathValue(name) }

// Header tries the name as it is first, since the names of a configuration are in
// canonical form.
func (h httpRequest) Header(name string) []string {
	if v, ok := h.r.Header[name]; ok {
		return v
	}
	return h.r.Header[http.CanonicalHeaderKey(name)]
}

func (h httpRequest) Cookies(name string) []string {
	var values []string
	for _, c := range h.r.CookiesNamed(name) {
		values = append(values, c.Value)
	}
	return values
}

// mayBe reports whether the escaped text k has the length of name, so that a query or
// body of many other names costs little.
func mayBe(k, name string) bool { return len(k)-2*strings.Count(k, "%") == len(name) }

// Query is url.ParseQuery for one name: it decodes nothing else, and stops where there
// are more values than anything looks at.
func (h httpRequest) Query(name string) []string {
	query := h.r.URL.RawQuery
	if strings.Count(query, "&") >= maxParams {
		return nil
	}
	var values []string
	for pair := range strings.SplitSeq(query, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if pair == "" || !mayBe(k, name) || strings.IndexByte(pair, ';') >= 0 {
			continue
		}
		if k, err := url.QueryUnescape(k); err != nil || k != name {
			continue
		}
		if v, err := url.QueryUnescape(v); err == nil {
			values = append(values, v)
		}
		if len(values) > maxValues {
			break
		}
	}
	return values
}

// Body reads up to limit bytes and puts them back.
func (h httpRequest) Body(limit int) ([]byte, bool, error) {
	body := h.r.Body
	if body == nil || body == http.NoBody {
		return nil, true, nil
	}
	n := int64(limit) + 1
	if l := h.r.ContentLength; l >= 0 && l < n {
		n = l
	}
	buf := bytes.NewBuffer(make([]byte, 0, min(n, 4096)+bytes.MinRead))
	_, err := buf.ReadFrom(io.LimitReader(body, int64(limit)+1))
	data := buf.Bytes()
	h.putBack(data, body)
	if len(data) > limit {
		return data[:limit:limit], false, err
	}
	return data, err == nil, err
}

// putBack makes the request readable again: what was read, then the rest.
func (h httpRequest) putBack(data []byte, rest io.ReadCloser) {
	h.r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(data), rest), rest}
}
