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
	if err := checkSize(values, "Content-Type", maxContentType); err != nil {
		return "", nil, err
	}
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
	isJSON := typ == "application/json" || strings.HasPrefix(typ, "application/") && strings.HasSuffix(typ, "+json")
	switch m := r.Method(); {
	case !isJSON:
		return "", refuseName(ErrMissing, "missing_content_type", name)
	case m == http.MethodGet || m == http.MethodHead:
		return "", refuseName(ErrMissing, "missing_method", name)
	}
	data, whole, refused := readBody(r, limit)
	switch {
	case refused != nil:
		return "", refused
	case !whole:
		return "", refuseName(ErrMissing, "missing_large_body", name)
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
		rd.Once(&seen, member)
		if member == name && rd.Fault() == scan.Duplicate {
			return "", refuseName(ErrInvalid, "ambiguous", name)
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

// formValue reads a CSRF field of a urlencoded or multipart body; "" when it has none.
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
		return "", refuseName(ErrCSRF, "csrf_large_form", name)
	}
	return v, nil
}

// urlencodedField leaves out the last pair of a body that was cut.
func urlencodedField(data []byte, whole bool, name string) string {
	if !whole {
		data = data[:max(0, bytes.LastIndexByte(data, '&'))]
	}
	for pair := range strings.SplitSeq(string(data), "&") {
		k, v, _ := strings.Cut(pair, "=")
		if !mayBe(k, name) {
			continue
		}
		key, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
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
