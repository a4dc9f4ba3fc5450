package gatefiber_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gatefiber"
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

	app := fiber.New(fiber.Config{ErrorHandler: gatefiber.ErrorHandler(nil)})
	app.Get("/me", gatefiber.Require(g, gate.Policy{}), func(c fiber.Ctx) error {
		t, _ := gatefiber.Token(c)
		return c.SendString("Hello " + t.Subject)
	})

	raw, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, authorization := range []string{"Bearer " + raw, ""} {
		req := httptest.NewRequest("GET", "/me", nil)
		req.Header.Set("Authorization", authorization)
		resp, err := app.Test(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.StatusCode, string(body))
	}
	// Output:
	// 200 Hello alice
	// 401 {"msg":"The Authorization header is missing"}
}
