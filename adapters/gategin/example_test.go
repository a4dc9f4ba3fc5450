package gategin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategin"
	"github.com/jwtgate/gate/keys"
)

func Example() {
	gin.SetMode(gin.ReleaseMode)
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

	r := gin.New()
	r.GET("/me", gategin.Require(g, gate.Policy{}), func(c *gin.Context) {
		t, _ := gategin.Token(c)
		c.String(http.StatusOK, "Hello %s", t.Subject)
	})

	raw, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, authorization := range []string{"Bearer " + raw, ""} {
		req := httptest.NewRequest("GET", "/me", nil)
		req.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 Hello alice
	// 401 {"msg":"The Authorization header is missing"}
}
