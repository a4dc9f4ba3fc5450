package bench_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	ginjwt "github.com/appleboy/gin-jwt/v3"
	auth0 "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/jwtauth/v5"
	fiberjwt "github.com/gofiber/contrib/v3/jwt"
	"github.com/gofiber/fiber/v3"
	golang "github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v5"
	"github.com/labstack/echo/v5"
	"github.com/valyala/fasthttp"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateecho"
	"github.com/jwtgate/gate/adapters/gatefiber"
	"github.com/jwtgate/gate/adapters/gategin"
	"github.com/jwtgate/gate/internal/integration/bench/floor"
)

// writer is a response that costs next to nothing.
type writer struct {
	h    http.Header
	code int
	last []byte
}

func (w *writer) Header() http.Header { return w.h }
func (w *writer) WriteHeader(c int)   { w.code = c }
func (w *writer) Write(b []byte) (int, error) {
	w.last = append(w.last[:0], b...)
	return len(b), nil
}
func (w *writer) WriteString(s string) (int, error) {
	w.last = append(w.last[:0], s...)
	return len(s), nil
}

// serve adds a body that serves one request with token. bare names the body of the
// same handler without a guard.
func serve(who, bare, token string, h http.Handler) {
	r := must(http.NewRequest("GET", "http://x/protected", nil))
	r.Header.Set("Authorization", "Bearer "+token)
	r.RequestURI = "/protected"
	w := &writer{h: http.Header{}}
	add("middleware", "hs256", who, func() error {
		clear(w.h)
		w.last = w.last[:0]
		h.ServeHTTP(w, r)
		if string(w.last) != claims.Sub {
			return fmt.Errorf("%d %s", w.code, w.last)
		}
		return nil
	}).bare = bare
}

var plain = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(claims.Sub)) })

func addMiddleware(t *testing.T, f *fixture) {
	serve("bare", "", f.tok, plain)
	serve("floor", "bare", f.tok, floorGuard(f, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.Context().Value(contextKey{}).(*floor.Claims).Sub))
	})))
	serve("gate", "bare", f.tok, f.gate.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		w.Write([]byte(t.Subject))
	})))
	serve("golang-jwt-by-hand", "bare", f.tok, golangGuard())
	addAuth0()
	addChi(f)
	addEcho(f)
	addGin(f)
	addFiber(f)
	addGRPC(f)
	addConnect(f)
}

type contextKey struct{}

// floorGuard is the shortest guard that can be called one.
func floorGuard(f *fixture, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := r.Header["Authorization"]
		if len(a) != 1 || !strings.HasPrefix(a[0], "Bearer ") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		c := new(floor.Claims)
		if err := f.verify(a[0][7:], c, time.Now().Unix()); err != nil || c.Type != "access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, c)))
	})
}

func golangGuard() http.Handler {
	p := golang.NewParser(golang.WithValidMethods([]string{"HS256"}))
	key := func(*golang.Token) (any, error) { return secret, nil }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		t, err := p.Parse(a, key)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), contextKey{}, t))
		s, _ := r.Context().Value(contextKey{}).(*golang.Token).Claims.GetSubject()
		w.Write([]byte(s))
	})
}

// addAuth0 gives its token the issuer and audience that this middleware demands.
func addAuth0() {
	const issuer, audience = "https://issuer.example/", "api"
	v := must(validator.New(validator.WithKeyFunc(func(context.Context) (any, error) { return secret, nil }),
		validator.WithAlgorithm(validator.HS256), validator.WithIssuer(issuer), validator.WithAudience(audience)))
	m := must(auth0.New(auth0.WithValidator(v)))
	tok := must(golang.NewWithClaims(golang.SigningMethodHS256, golang.MapClaims{"iss": issuer, "aud": audience,
		"fresh": true, "iat": claims.IAT, "jti": claims.JTI, "type": claims.Type, "sub": claims.Sub,
		"nbf": claims.NBF, "csrf": claims.CSRF, "exp": claims.EXP}).SignedString(secret))
	serve("auth0-v3", "bare", tok, m.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := auth0.GetClaims[*validator.ValidatedClaims](r.Context())
		if err == nil {
			w.Write([]byte(c.RegisteredClaims.Subject))
		}
	})))
}

func addChi(f *fixture) {
	bare := chi.NewRouter()
	bare.Get("/protected", plain)
	serve("bare-chi", "", f.tok, bare)
	auth := jwtauth.New("HS256", secret, nil)
	c := chi.NewRouter()
	c.Group(func(r chi.Router) {
		r.Use(jwtauth.Verifier(auth), jwtauth.Authenticator(auth))
		r.Get("/protected", func(w http.ResponseWriter, r *http.Request) {
			t, _, _ := jwtauth.FromContext(r.Context())
			w.Write([]byte(t.Subject()))
		})
	})
	serve("chi-jwtauth", "bare-chi", f.tok, c)
}

func addEcho(f *fixture) {
	bare := echo.New()
	bare.GET("/protected", func(c *echo.Context) error { return c.String(200, claims.Sub) })
	serve("bare-echo", "", f.tok, bare)
	e := echo.New()
	e.Use(echojwt.WithConfig(echojwt.Config{SigningKey: secret}))
	e.GET("/protected", func(c *echo.Context) error {
		s, err := c.Get("user").(*golang.Token).Claims.GetSubject()
		if err != nil {
			return err
		}
		return c.String(200, s)
	})
	serve("echo-jwt", "bare-echo", f.tok, e)
	own := echo.New()
	own.GET("/protected", func(c *echo.Context) error {
		t, _ := gateecho.Token(c)
		return c.String(200, t.Subject)
	}, gateecho.Require(f.gate, gate.Policy{}))
	serve("gate-echo", "bare-echo", f.tok, own)
}

func addGin(f *fixture) {
	gin.SetMode(gin.ReleaseMode)
	bare := gin.New()
	bare.GET("/protected", func(c *gin.Context) { c.String(200, "%s", claims.Sub) })
	serve("bare-gin", "", f.tok, bare)
	m := must(ginjwt.New(&ginjwt.GinJWTMiddleware{Realm: "x", Key: secret, Timeout: time.Hour, IdentityKey: "sub"}))
	g := gin.New()
	g.Use(m.MiddlewareFunc())
	g.GET("/protected", func(c *gin.Context) { c.String(200, "%s", ginjwt.ExtractClaims(c)["sub"].(string)) })
	serve("gin-jwt-v3", "bare-gin", f.tok, g)
	own := gin.New()
	own.GET("/protected", gategin.Require(f.gate, gate.Policy{}), func(c *gin.Context) {
		t, _ := gategin.Token(c)
		c.String(200, "%s", t.Subject)
	})
	serve("gate-gin", "bare-gin", f.tok, own)
}

func addFiber(f *fixture) {
	bare := fiber.New()
	bare.Get("/protected", func(c fiber.Ctx) error { return c.SendString(claims.Sub) })
	serveFiber("bare-fiber", "", f.tok, bare)
	app := fiber.New()
	app.Use(fiberjwt.New(fiberjwt.Config{SigningKey: fiberjwt.SigningKey{JWTAlg: "HS256", Key: secret}}))
	app.Get("/protected", func(c fiber.Ctx) error {
		s, err := fiberjwt.FromContext(c).Claims.GetSubject()
		if err != nil {
			return err
		}
		return c.SendString(s)
	})
	serveFiber("fiber-jwt", "bare-fiber", f.tok, app)
	own := fiber.New()
	own.Get("/protected", gatefiber.Require(f.gate, gate.Policy{}), func(c fiber.Ctx) error {
		t, _ := gatefiber.Token(c)
		return c.SendString(t.Subject)
	})
	serveFiber("gate-fiber", "bare-fiber", f.tok, own)
}

func serveFiber(who, bare, token string, app *fiber.App) {
	h := app.Handler()
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.Header.SetMethod("GET")
	ctx.Request.SetRequestURI("/protected")
	ctx.Request.Header.Set("Authorization", "Bearer "+token)
	add("middleware", "hs256", who, func() error {
		ctx.Response.Reset()
		ctx.ResetUserValues()
		h(ctx)
		if string(ctx.Response.Body()) != claims.Sub {
			return fmt.Errorf("%d %s", ctx.Response.StatusCode(), ctx.Response.Body())
		}
		return nil
	}).bare = bare
}
