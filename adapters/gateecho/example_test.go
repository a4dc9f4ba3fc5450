package gateecho_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateecho"
	"github.com/jwtgate/gate/keys"
)

func Example() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		fmt.Println(err)
		return
	}

	e := echo.New()
	e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler)
	e.GET("/me", func(c *echo.Context) error {
		t, _ := gateecho.Token(c)
		return c.String(http.StatusOK, "Hello "+t.Subject)
	}, gateecho.Require(g, gate.Policy{}))

	raw, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, authorization := range []string{"Bearer " + raw, ""} {
		req := httptest.NewRequest("GET", "/me", nil)
		req.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, req)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 Hello alice
	// 401 {"msg":"The Authorization header is missing"}
}
