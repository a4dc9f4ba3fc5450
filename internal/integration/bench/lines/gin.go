package lines

import (
	"net/http"

	ginjwt "github.com/appleboy/gin-jwt/v3"
	"github.com/gin-gonic/gin"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategin"
	"github.com/jwtgate/gate/keys"
)

func gateGin(secret []byte) (http.Handler, error) {
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
	r := gin.New()
	r.GET("/me", gategin.Require(g, gate.Policy{}), func(c *gin.Context) { // protect
		t, _ := gategin.Token(c) // read
		c.String(http.StatusOK, "Hello %s", t.Subject)
	})
	return r, nil
}

func jwtGin(secret []byte) (http.Handler, error) {
	m, err := ginjwt.New(&ginjwt.GinJWTMiddleware{ // protect
		Key: secret, // protect
		Unauthorized: func(c *gin.Context, code int, message string) { // error
			c.JSON(code, gin.H{"error": message}) // error
		}, // error
	}) // protect
	if err != nil { // protect
		return nil, err // protect
	} // protect
	r := gin.New()
	r.GET("/me", m.MiddlewareFunc(), func(c *gin.Context) { // protect
		subject, _ := ginjwt.ExtractClaims(c)["sub"].(string) // read
		c.String(http.StatusOK, "Hello %s", subject)
	})
	return r, nil
}
