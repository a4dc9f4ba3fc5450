package flask

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate/keys"
)

// table has the options of the original.
var table = map[string]option{
	"JWT_ACCESS_TOKEN_EXPIRES":  lifetime(func(s *settings, d time.Duration) { s.cfg.Create.AccessLifetime = d }),
	"JWT_REFRESH_TOKEN_EXPIRES": lifetime(func(s *settings, d time.Duration) { s.cfg.Create.RefreshLifetime = d }),
	"JWT_DECODE_LEEWAY":         seconds(func(s *settings, d time.Duration) { s.cfg.Accept.Leeway = d }),
	"JWT_ENCODE_NBF":            boolean(func(s *settings, v bool) { s.cfg.Create.OmitNotBefore = !v }),
	"JWT_VERIFY_SUB":            boolean(func(s *settings, v bool) { s.cfg.Accept.Lenient.AnySubject = !v }),
	"JWT_IDENTITY_CLAIM":        nonEmpty(func(s *settings, v string) { s.cfg.Create.IdentityClaim = v }),
	"JWT_ENCODE_ISSUER":         plain(func(s *settings, v string) { s.cfg.Create.Issuer = v }).orNone(),
	"JWT_ENCODE_AUDIENCE":       list((*settings).encodeAudience).orNone(),
	"JWT_DECODE_AUDIENCE":       list(func(s *settings, v []string, _ bool) { s.cfg.Accept.Audiences = v }).orNone(),
	"JWT_DECODE_ISSUER":         list(func(s *settings, v []string, _ bool) { s.compat.Issuers = v }).orNone(),
	"JWT_ERROR_MESSAGE_KEY":     plain(func(s *settings, v string) { s.messageKey = v }),

	"JWT_ALGORITHM":         nonEmpty(func(s *settings, v string) { s.keys.algorithm = keys.Algorithm(v) }),
	"JWT_DECODE_ALGORITHMS": list((*settings).decodeAlgorithms).orNone(),
	"JWT_SECRET_KEY":        material(func(s *settings, v []byte) { s.keys.secret = v }),
	"SECRET_KEY":            material(func(s *settings, v []byte) { s.keys.appSecret = v }),
	"JWT_PRIVATE_KEY":       material(func(s *settings, v []byte) { s.keys.private = v }),
	"JWT_PUBLIC_KEY":        material(func(s *settings, v []byte) { s.keys.public = v }),

	"JWT_TOKEN_LOCATION":            list(func(s *settings, v []string, _ bool) { s.locations = v }),
	"JWT_HEADER_NAME":               plain(func(s *settings, v string) { s.places.header = v }),
	"JWT_HEADER_TYPE":               plain(func(s *settings, v string) { s.places.scheme = v }).orEmpty(func(s *settings) { s.places.scheme = "" }),
	"JWT_QUERY_STRING_NAME":         nonEmpty(func(s *settings, v string) { s.places.query = v }),
	"JWT_QUERY_STRING_VALUE_PREFIX": plain(func(s *settings, v string) { s.places.prefix = v }),
	"JWT_JSON_KEY":                  nonEmpty(func(s *settings, v string) { s.places.jsonAccess = v }),
	"JWT_REFRESH_JSON_KEY":          nonEmpty(func(s *settings, v string) { s.places.jsonRefresh = v }),

	"JWT_COOKIE_SECURE":       boolean(func(s *settings, v bool) { s.cfg.Cookies.Insecure = !v }),
	"JWT_COOKIE_DOMAIN":       plain(func(s *settings, v string) { s.cfg.Cookies.Domain = v }).orNone(),
	"JWT_COOKIE_SAMESITE":     sameSite().orEmpty(func(*settings) {}), // "None" is a value
	"JWT_SESSION_COOKIE":      boolean((*settings).sessionCookie),
	"JWT_ACCESS_COOKIE_NAME":  nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Access.Name = v }),
	"JWT_ACCESS_COOKIE_PATH":  nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Access.Path = asPath(v) }),
	"JWT_REFRESH_COOKIE_NAME": nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Refresh.Name = v }),
	"JWT_REFRESH_COOKIE_PATH": nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Refresh.Path = asPath(v) }),

	"JWT_COOKIE_CSRF_PROTECT":      boolean(func(s *settings, v bool) { s.cfg.Cookies.CSRF.Disabled = !v }),
	"JWT_CSRF_METHODS":             list((*settings).csrfMethods),
	"JWT_CSRF_CHECK_FORM":          boolean(func(s *settings, v bool) { s.cfg.Cookies.CSRF.Form = v }),
	"JWT_CSRF_IN_COOKIES":          boolean(func(s *settings, v bool) { s.cfg.Cookies.CSRF.OmitCookie = !v }),
	"JWT_ACCESS_CSRF_COOKIE_NAME":  nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Access.CSRFName = v }),
	"JWT_ACCESS_CSRF_COOKIE_PATH":  nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Access.CSRFPath = asPath(v) }),
	"JWT_ACCESS_CSRF_FIELD_NAME":   nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Access.CSRFField = v }),
	"JWT_ACCESS_CSRF_HEADER_NAME":  nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Access.CSRFHeader = v }),
	"JWT_REFRESH_CSRF_COOKIE_NAME": nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Refresh.CSRFName = v }),
	"JWT_REFRESH_CSRF_COOKIE_PATH": nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Refresh.CSRFPath = asPath(v) }),
	"JWT_REFRESH_CSRF_FIELD_NAME":  nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Refresh.CSRFField = v }),
	"JWT_REFRESH_CSRF_HEADER_NAME": nonEmpty(func(s *settings, v string) { s.cfg.Cookies.Refresh.CSRFHeader = v }),
}

// encodeAudience writes a string as a string and a list as a list; an empty one of
// either is not written.
func (s *settings) encodeAudience(v []string, isList bool) {
	if !isList && v[0] == "" {
		v = nil
	}
	s.cfg.Create.Audience, s.cfg.Create.AudienceArray = v, isList
}

func (s *settings) decodeAlgorithms(v []string, _ bool) {
	s.keys.decode = nil
	for _, name := range v {
		if alg := keys.Algorithm(name); !slices.Contains(s.keys.decode, alg) {
			s.keys.decode = append(s.keys.decode, alg)
		}
	}
}

// csrfMethods: an empty list checks nothing.
func (s *settings) csrfMethods(v []string, _ bool) {
	s.cfg.Cookies.CSRF.Methods = v
	if len(v) == 0 {
		s.cfg.Cookies.CSRF.Methods, s.cfg.Cookies.CSRF.SkipCheck = nil, true
	}
}

func (s *settings) sessionCookie(v bool) {
	if !v {
		s.cfg.Cookies.MaxAge = sessionAge
	}
}

// asPath percent-encodes what a cookie's path cannot hold, as Werkzeug does. Browsers
// compare it with the encoded path of a request.
func asPath(s string) string {
	const plain = "-._~%!$&'()*+,/:=@"
	var b strings.Builder
	for _, c := range []byte(s) {
		if upper := c &^ 0x20; 'A' <= upper && upper <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// sameSite takes the value in any case, as the original writes it.
func sameSite() option {
	modes := map[string]http.SameSite{"none": http.SameSiteNoneMode, "lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode}
	return option{
		accepts: `"None", "Lax" or "Strict"`,
		parse:   asText,
		set: func(s *settings, v any) bool {
			t, ok := v.(string)
			mode, known := modes[strings.ToLower(t)]
			s.cfg.Cookies.SameSite = mode
			return ok && known
		},
	}
}

// locationNames are the values of JWT_TOKEN_LOCATION.
var locationNames = []string{"headers", "cookies", "query_string", "json"}
