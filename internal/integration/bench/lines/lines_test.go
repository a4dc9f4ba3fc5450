package lines_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/jwtgate/gate/internal/integration/bench/lines"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

// token returns one that the program accepts.
func token(t *testing.T, program string) string {
	t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{"sub": "alice", "jti": "1", "type": "access", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	if program == "auth0" {
		claims["iss"], claims["aud"] = "https://issuer.example/", "api"
	}
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestHTTP: all programs do the same.
func TestHTTP(t *testing.T) {
	gin.SetMode(gin.TestMode)
	for name, program := range lines.HTTP {
		t.Run(name, func(t *testing.T) {
			h, err := program(secret)
			if err != nil {
				t.Fatal(err)
			}
			good := token(t, name)
			for authorization, status := range map[string]int{"Bearer " + good: 200, "": 401, "Bearer " + good + "x": 401} {
				r := httptest.NewRequest("GET", "/me", nil)
				r.Header.Set("Authorization", authorization)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				body, _ := io.ReadAll(w.Body)
				var refusal struct{ Error string }
				_ = json.Unmarshal(body, &refusal)
				if w.Code != status || status == 200 && string(body) != "Hello alice" || status == http.StatusUnauthorized && refusal.Error == "" {
					t.Errorf("%q: %d %s", authorization, w.Code, body)
				}
			}
		})
	}
}

func TestGRPC(t *testing.T) {
	for name, program := range lines.GRPC {
		t.Run(name, func(t *testing.T) {
			s, err := program(secret)
			if err != nil {
				t.Fatal(err)
			}
			l := bufconn.Listen(1 << 16)
			go s.Serve(l)
			defer s.Stop()
			conn, err := grpc.NewClient("passthrough:bufnet", grpc.WithTransportCredentials(insecure.NewCredentials()),
				grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			good := token(t, name)
			for authorization, want := range map[string]*status.Status{
				"Bearer " + good:       status.New(codes.AlreadyExists, "Hello alice"),
				"":                     status.New(codes.Unauthenticated, "log in first"),
				"Bearer " + good + "x": status.New(codes.Unauthenticated, "log in first"),
			} {
				ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", authorization)
				_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
				if got := status.Convert(err); got.Code() != want.Code() || got.Message() != want.Message() {
					t.Errorf("%q: %v, want %v", authorization, got, want)
				}
			}
		})
	}
}
