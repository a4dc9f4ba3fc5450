package gatefiber

import (
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/jwtgate/gate"
)

// SetCookies adds cookies to the response, and forbids caches to store it, as
// [gate.SetCookies] does.
func SetCookies(c fiber.Ctx, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	h := &c.Response().Header
	w := headerWriter{}
	var names []string
	for name := range h.All() {
		names = append(names, string(name))
		w[string(name)] = nil
	}
	gate.SetCookies(w, cookies)
	for _, name := range names {
		if _, kept := w[name]; !kept {
			h.Del(name)
		}
	}
	h.Set("Cache-Control", http.Header(w).Get("Cache-Control"))
	for _, v := range w["Set-Cookie"] {
		h.Add("Set-Cookie", v)
	}
}

// headerWriter is an http.ResponseWriter for gate.SetCookies, which uses only its header.
type headerWriter http.Header

// Header implements http.ResponseWriter.
func (w headerWriter) Header() http.Header { return http.Header(w) }

// Write implements http.ResponseWriter.
func (headerWriter) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (headerWriter) WriteHeader(int) {}

// sent returns the values of Set-Cookie in the response.
func sent(c fiber.Ctx) (values []string) {
	for _, v := range c.Response().Header.Cookies() {
		values = append(values, string(v))
	}
	return values
}
