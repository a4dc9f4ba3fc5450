package gate

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/internal/scan"
)

// A Request is the little that the gate reads of a request. *http.Request is
// wrapped into one by [Gate.Check]; other transports implement it for
// [Gate.CheckRequest]. A nil slice means absent.
type Request interface {
	// Method returns the HTTP method in upper case.
	Method() string
	// Host returns the host that the request was sent to, with a port unless it is
	// the scheme's own: the Host header or :authority.
	Host() string
	// Header returns all values of a header, whose name is in canonical form
	// ([http.CanonicalHeaderKey]) or as configured; match it without case.
	Header(name string) []string
	// Cookies returns the values of all cookies with exactly this name.
	Cookies(name string) []string
	// Query returns the decoded values of a parameter of the URL's query.
	Query(name string) []string
	// Body returns the first bytes of the body, at most limit, and whether that is
	// all of it. The body must stay readable for the handler, as if untouched.
	Body(limit int) (data []byte, whole bool, err error)
}

// httpRequest is the Request of net/http.
type httpRequest struct{ r *http.Request }

func (h httpRequest) Method() string { return h.r.Method }

func (h httpRequest) Host() string { return h.r.Host }

func (h httpRequest) Header(name string) []string { return h.r.Header[name] }

func (h httpRequest) Cookies(name string) []string {
	var values []string
	for _, c := range h.r.CookiesNamed(name) {
		values = append(values, c.Value)
	}
	return values
}

func (h httpRequest) Query(name string) []string { return h.r.URL.Query()[name] }

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

// readBody is Body with the errors of this package.
func readBody(r Request, limit int) (data []byte, whole bool, refused *Error) {
	data, whole, err := r.Body(limit)
	if err != nil {
		return nil, false, &Error{Kind: ErrInvalid, Reason: "body_unreadable", Err: err}
	}
	return data, whole, nil
}

// mediaType returns the one media type of the body, in lower case, and its parameters.
func mediaType(r Request) (string, map[string]string, *Error) {
	values := r.Header("Content-Type")
	switch len(values) {
	case 0:
		return "", nil, nil
	case 1:
		typ, params, err := mime.ParseMediaType(values[0])
		if err != nil {
			typ, _, _ = strings.Cut(values[0], ";")
			typ = strings.ToLower(strings.TrimSpace(typ))
		}
		return typ, params, nil
	}
	return "", nil, refuse(ErrInvalid, "body_content_type")
}

// jsonMember reads the token out of a JSON body.
func jsonMember(r Request, name string, limit int) (string, *Error) {
	typ, _, refused := mediaType(r)
	if refused != nil {
		return "", refused
	}
	m := r.Method()
	isJSON := typ == "application/json" || strings.HasPrefix(typ, "application/") && strings.HasSuffix(typ, "+json")
	if !isJSON || m == http.MethodGet || m == http.MethodHead {
		return "", refuseName(ErrMissing, "missing_content_type", name)
	}
	data, whole, refused := readBody(r, limit)
	switch {
	case refused != nil:
		return "", refused
	case !whole:
		return "", refuse(ErrInvalid, "body_too_large")
	}
	return memberOf(data, name)
}

// memberOf reads one string member of a JSON object. Size bounds its other members.
func memberOf(data []byte, name string) (string, *Error) {
	rd := scan.New(data, jws.MaxDepth, len(data))
	if c := rd.Kind(); c != '{' && rd.Fault() == scan.OK && (c == 0 || rd.Skip()) && rd.End() {
		return "", refuseName(ErrMissing, "missing_member", name) // JSON without members
	}
	var value string
	var seen scan.Names
	other := false
	rd.Open('{')
	for first := true; rd.More(first, '}'); first = false {
		member := rd.Name()
		if rd.Fault() == scan.OK && !seen.Add(member) {
			if member == name {
				return "", refuseName(ErrInvalid, "ambiguous", name)
			}
			rd.Duplicate()
		}
		if c := rd.Kind(); member == name && c == '"' {
			value = rd.Str()
			continue
		} else if member == name && c != 'n' {
			other = true
		}
		rd.Skip()
	}
	switch {
	case !rd.End():
		return "", refuse(ErrInvalid, "body_json")
	case other:
		return "", refuseName(ErrInvalid, "member_type", name)
	case value == "":
		return "", refuseName(ErrMissing, "missing_member", name)
	}
	return value, nil
}

// formValue reads a field of a urlencoded or multipart body; "" when it has none.
// A field that comes before the limit is found in a body of any size.
func formValue(r Request, name string, limit int) (string, *Error) {
	if h, ok := r.(httpRequest); ok && h.r.PostForm.Get(name) != "" {
		return h.r.PostForm.Get(name), nil // the application has parsed it already
	}
	typ, params, refused := mediaType(r)
	if refused != nil || typ != "application/x-www-form-urlencoded" && typ != "multipart/form-data" {
		return "", refused
	}
	data, whole, refused := readBody(r, limit)
	if refused != nil {
		return "", refused
	}
	var v string
	if typ == "multipart/form-data" {
		v = multipartField(data, params["boundary"], name)
	} else {
		v = urlencodedField(data, whole, name)
	}
	if v == "" && !whole {
		return "", refuse(ErrInvalid, "body_too_large")
	}
	return v, nil
}

// urlencodedField leaves out the last pair of a body that was cut.
func urlencodedField(data []byte, whole bool, name string) string {
	if !whole {
		data = data[:max(0, bytes.LastIndexByte(data, '&'))]
	}
	for pair := range bytes.SplitSeq(data, []byte{'&'}) {
		k, v, _ := bytes.Cut(pair, []byte{'='})
		if len(k) < len(name) {
			continue // no spelling of the name is shorter: a body of many small pairs costs little
		}
		key, err1 := url.QueryUnescape(string(k))
		value, err2 := url.QueryUnescape(string(v))
		if err1 == nil && err2 == nil && key == name {
			return value
		}
	}
	return ""
}

// maxParts is how many parts of a form are looked at; net/http reads no form of more.
const maxParts = 1000

// multipartField returns the first field of that name that was read in full.
func multipartField(data []byte, boundary, name string) string {
	mr := multipart.NewReader(bytes.NewReader(data), boundary)
	for range maxParts {
		part, err := mr.NextPart()
		if err != nil {
			return ""
		}
		if part.FormName() != name || part.FileName() != "" {
			continue
		}
		v, err := io.ReadAll(part)
		if err != nil {
			return ""
		}
		return string(v)
	}
	return ""
}
