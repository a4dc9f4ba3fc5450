package gate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

func TestSmoke(t *testing.T) {
	k, err := keys.HMAC(keys.HS256, []byte("0123456789abcdef0123456789abcdeF"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: k})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Fresh: true, Claims: map[string]any{"a": 1}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(raw)
	h := g.Require(gate.Policy{Fresh: true})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := gate.FromContext(r.Context())
		fmt.Fprint(w, tok.Subject)
	}))
	for _, a := range []string{"", "Bearer " + raw, "Bearer x" + raw, "Bearer " + raw + "x"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", a)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body, w.Header())
	}
}
func BenchmarkCheckToken(b *testing.B) {
	k, _ := keys.HMAC(keys.HS256, []byte("0123456789abcdef0123456789abcdeF"))
	g, _ := gate.New(gate.Config{Keys: k})
	raw, _ := g.CreateAccessToken(b.Context(), "alice", gate.TokenOptions{Fresh: true})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.CheckToken(b.Context(), raw, gate.Policy{}); err != nil {
			b.Fatal(err)
		}
	}
}
func BenchmarkCreate(b *testing.B) {
	k, _ := keys.HMAC(keys.HS256, []byte("0123456789abcdef0123456789abcdeF"))
	g, _ := gate.New(gate.Config{Keys: k})
	b.ReportAllocs()
	for b.Loop() {
		g.CreateAccessToken(b.Context(), "alice", gate.TokenOptions{Fresh: true})
	}
}
