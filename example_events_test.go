package gate_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Everything that a gate does can be logged, or counted by a function of one's own.
func ExampleSlogEvents() {
	// A log without times, so that its text is known.
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	write, refused := gate.SlogEvents(log), 0
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := gate.New(gate.Config{Keys: key, OnEvent: func(ctx context.Context, e gate.Event) {
		if e.Name == gate.TokenRefused {
			refused++
		}
		write(ctx, e)
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	guarded := g.Require(gate.Policy{})(http.NotFoundHandler())
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer a.b.c")
	guarded.ServeHTTP(httptest.NewRecorder(), r)
	fmt.Println(refused, "refused")
	// Output:
	// level=WARN msg=token.refused reason=header_encoding location=header error="gate: The token's header is not canonical base64url"
	// 1 refused
}
