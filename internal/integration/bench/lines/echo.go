package lines

import (
	"net/http"

	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v5"
	"github.com/labstack/echo/v5"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateecho"
	"github.com/jwtgate/gate/keys"
)

func gateEcho(secret []byte) (http.Handler, error) {
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
	e := echo.New()
	e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler) // error
	e.GET("/me", func(c *echo.Context) error {
		t, _ := gateecho.Token(c) // read
		return c.String(http.StatusOK, "Hello "+t.Subject)
	}, gateecho.Require(g, gate.Policy{})) // protect
	return e, nil
}

func jwtEcho(secret []byte) (http.Handler, error) {
	e := echo.New()
	e.GET("/me", func(c *echo.Context) error {
		t, err := echo.ContextGet[*jwt.Token](c, "user") // read
		if err != nil {                                  // read
			return err // read
		} // read
		subject, err := t.Claims.GetSubject() // read
		if err != nil {                       // read
			return err // read
		} // read
		return c.String(http.StatusOK, "Hello "+subject)
	}, echojwt.WithConfig(echojwt.Config{ // protect
		SigningKey: secret, // protect
		ErrorHandler: func(c *echo.Context, err error) error { // error
			return c.JSON(http.StatusUnauthorized, map[string]string{"error": "The token is not accepted here"}) // error
		}, // error
	})) // protect
	return e, nil
}
