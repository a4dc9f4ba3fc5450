package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Answers of the application, problem details, and a log of events.
func Example_errors() {
	ownAnswers()
	problemDetails()
	eventLog()
	// Output:
	// 303 /login
	// 418 I can't let you do that, dave
	// 401 {"error":"The token has fewer than three segments"}
	// 401 application/problem+json
	// Bearer
	// {"type":"https://example.com/problems/missing","title":"Unauthorized","status":401,"detail":"The Authorization header is missing","code":"missing_header"}
	//
	// level=WARN msg=token.refused reason=header_encoding location=header error="gate: The token's header is not canonical base64url"
	// 1 refused
}

// answer is the application's own way to refuse. What it does not treat goes the
// default way.
func answer(w http.ResponseWriter, r *http.Request, err error) {
	var detail *gate.Error
	switch {
	case errors.Is(err, gate.ErrMissing):
		w.Header().Set("Location", "/login")
		w.WriteHeader(http.StatusSeeOther)
	case errors.Is(err, gate.ErrExpired) && errors.As(err, &detail):
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "I can't let you do that, %s\n", detail.Token.Subject)
	default:
		gate.JSONErrors("error")(w, r, err)
	}
}

// OnError answers every refused request. errors.Is tells the kinds apart; *gate.Error
// has the detail, and the token once its signature was verified.
func ownAnswers() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	g, err := gate.New(gate.Config{Keys: key, OnError: answer, Clock: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	route := g.Require(gate.Policy{})(http.NotFoundHandler())

	token, err := g.CreateAccessToken(context.Background(), "dave", gate.TokenOptions{ExpiresIn: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	now = now.Add(time.Hour)
	for _, header := range []string{"", "Bearer " + token, "Bearer nonsense"} {
		r := httptest.NewRequest("GET", "/bay-doors", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Header().Get("Location")+" "+w.Body.String()))
	}
}

// problems is where the application documents its problem types.
const problems = "https://example.com/problems/"

// Refusals as problem details (RFC 9457).
func problemDetails() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, OnError: gate.ProblemErrors(problems)})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	g.Require(gate.Policy{})(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Println(w.Header().Get("WWW-Authenticate"))
	fmt.Println(w.Body)
}

// Everything that a gate does can be logged, or counted by your own function.
func eventLog() {
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
}
