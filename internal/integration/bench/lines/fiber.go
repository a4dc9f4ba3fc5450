package lines

import (
	"net/http"

	fiberjwt "github.com/gofiber/contrib/v3/jwt"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gatefiber"
	"github.com/jwtgate/gate/keys"
)

func gateFiber(secret []byte) (http.Handler, error) {
	key, err := keys.HMAC(keys.HS256, secret) // protect
	if err != nil {                           // protect
		return nil, err // protect
	} // protect
	g, err := gate.New(gate.Config{ // protect
		Keys:    key,                      // protect
		OnError: gate.JSONErrors("error"), // error
	}) // protect
	if err != nil { // protect
		return nil, err // protect
	} // protect
	app := fiber.New(fiber.Config{
		ErrorHandler: gatefiber.ErrorHandler(nil), // error
	})
	app.Get("/me", gatefiber.Require(g, gate.Policy{}), func(c fiber.Ctx) error { // protect
		t, _ := gatefiber.Token(c) // read
		return c.SendString("Hello " + t.Subject)
	})
	return adaptor.FiberApp(app), nil
}

func jwtFiber(secret []byte) (http.Handler, error) {
	app := fiber.New()
	app.Get("/me", fiberjwt.New(fiberjwt.Config{ // protect
		SigningKey: fiberjwt.SigningKey{JWTAlg: "HS256", Key: secret}, // protect
		ErrorHandler: func(c fiber.Ctx, err error) error { // error
			return c.Status(http.StatusUnauthorized).JSON(fiber.Map{"error": "The token is not accepted here"}) // error
		}, // error
	}), func(c fiber.Ctx) error { // protect
		subject, err := fiberjwt.FromContext(c).Claims.GetSubject() // read
		if err != nil {                                             // read
			return err // read
		} // read
		return c.SendString("Hello " + subject)
	})
	return adaptor.FiberApp(app), nil
}
