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
	w := newWriter(c)
	gate.SetCookies(w, cookies)
	w.writeHeader(c)
}

// sent returns the values of Set-Cookie in the response.
func sent(c fiber.Ctx) (values []string) {
	for _, v := range c.Response().Header.Cookies() {
		values = append(values, string(v))
	}
	return values
}
