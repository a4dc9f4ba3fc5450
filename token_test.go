package gate_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/json/jsontext"
	"github.com/jwtgate/gate/keys"
)

func TestTokenFields(t *testing.T) {
	g := newGate(t, gate.Config{Accept: gate.Accept{Audiences: []string{"a"}}})
	tok := must(g.CheckToken(t.Context(), token("iss", `"i"`, "sid", `"s"`, "aud", `["a","b"]`, "fresh", "true"), gate.Policy{}))
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"ID", tok.ID, "id-1"},
		{"Subject", tok.Subject, "alice"},
		{"Issuer", tok.Issuer, "i"},
		{"SessionID", tok.SessionID, "s"},
		{"Audience", fmt.Sprint(tok.Audience), "[a b]"},
		{"IssuedAt", tok.IssuedAt, start},
		{"NotBefore", tok.NotBefore, start},
		{"Expiry", tok.Expiry, start.Add(15 * time.Minute)},
		{"Type", tok.Type, gate.Access},
		{"Fresh", tok.Fresh, true},
		{"FreshUntil", tok.FreshUntil.IsZero(), true},
		{"CSRF", tok.CSRF(), "canary-csrf-1"},
		{"Identity", tok.Identity(), any("alice")},
		{"Location", tok.Location(), ""},
		{"VerifiedIssuer", tok.VerifiedIssuer(), ""},
		{"VerifiedKey", tok.VerifiedKey(), hs256},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if single := must(g.CheckToken(t.Context(), token("aud", `"a"`), gate.Policy{})); fmt.Sprint(single.Audience) != "[a]" {
		t.Errorf("Audience of a string = %v, want [a]", single.Audience)
	}
	absent := must(g.CheckToken(t.Context(), token("aud", `"a"`, "iat", "", "nbf", ""), gate.Policy{}))
	if !absent.IssuedAt.IsZero() || !absent.NotBefore.IsZero() {
		t.Errorf("absent times = %v, %v; want zero", absent.IssuedAt, absent.NotBefore)
	}
}

func TestTokenClaims(t *testing.T) {
	tok := must(newGate(t, gate.Config{}).CheckToken(t.Context(), token("n", "9007199254740993", "Role", `"x"`, "role", `"admin"`), gate.Policy{}))
	var claims struct {
		Sub  string `json:"sub"`
		N    int64  `json:"n"`
		Role string `json:"role"`
	}
	if err := tok.Claims(&claims); err != nil || claims.Sub != "alice" || claims.N != 9007199254740993 || claims.Role != "admin" {
		t.Errorf("Claims = %+v, %v", claims, err)
	}
	var all map[string]any
	if err := tok.Claims(&all); err != nil || len(all) != 11 {
		t.Errorf("Claims into a map = %v, %v; want 11", all, err)
	}
	var wrong struct {
		Sub int `json:"sub"`
	}
	if err := tok.Claims(&wrong); err == nil || !strings.HasPrefix(err.Error(), "gate: claims: ") {
		t.Errorf("Claims into a wrong type: %v, want an error", err)
	}
	var header struct{ Alg, Typ string }
	if err := tok.Header(&map[string]any{}); err != nil {
		t.Errorf("Header: %v", err)
	}
	if err := tok.Header(&header.Alg); err == nil || !strings.HasPrefix(err.Error(), "gate: header: ") {
		t.Errorf("Header into a wrong type: %v, want an error", err)
	}
}

// However a token or a key is printed, nothing shows that could be used.
func TestPrintsNoSecret(t *testing.T) {
	g := newGate(t, gate.Config{Keys: ed})
	raw := mint(ed, payload("x", `"canary-claim"`))
	tok := must(g.CheckToken(t.Context(), raw, gate.Policy{}))
	part := strings.Split(raw, ".")
	canaries := []string{"canary", secret, part[1], part[2], fmt.Sprint([]byte("canary")), fmt.Sprintf("%x", "canary")}
	for _, c := range canaries {
		canaries = append(canaries, strings.Trim(fmt.Sprint([]byte(c)), "[]"))
	}
	type wrapper struct {
		Token *gate.Token
		Copy  gate.Token
		Key   *keys.Key
		Any   any
	}
	for name, v := range map[string]any{
		"token": tok, "copy of a token": *tok, "key": hs256, "copy of a key": *hs256, "gate": g,
		"struct":  wrapper{tok, *tok, hs256, tok},
		"pointer": &wrapper{tok, *tok, hs256, *tok},
		"list":    []gate.Token{*tok},
		"config":  gate.Config{Keys: hs256},
		"context": gate.NewContext(t.Context(), tok),
		"error":   &gate.Error{Kind: gate.ErrExpired, Reason: "expired", Token: tok},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
			if text, err := json.Marshal(v); err == nil {
				out.Write(text)
			}
			for _, c := range canaries {
				if strings.Contains(out.String(), c) {
					t.Errorf("%q shows in\n%.3000s", c, out.String())
				}
			}
		})
	}
}

func TestTokenString(t *testing.T) {
	tok := must(newGate(t, gate.Config{}).CheckToken(t.Context(), token("sub", `"al\nice"`), gate.Policy{}))
	const want = `gate.Token(access sub="al\nice" jti="id-1")`
	if got := tok.String(); got != want {
		t.Errorf("String = %s, want %s", got, want)
	}
	if got := fmt.Sprintf("%#v", tok); got != want {
		t.Errorf("%%#v = %s, want %s", got, want)
	}
	if got, want := tok.LogValue().String(), "[type=access sub=al\nice jti=id-1]"; got != want {
		t.Errorf("LogValue = %s, want %s", got, want)
	}
}

// A token that was renewed is revoked with the one it goes back to.
func TestRevocationID(t *testing.T) {
	g := newGate(t, gate.Config{})
	for _, tt := range []struct{ raw, want string }{
		{token(), "id-1"}, {token("renewed_jti", `"id-0"`), "id-0"}, {token("renewed_jti", `""`), "id-1"},
	} {
		if got := must(g.Decode(t.Context(), tt.raw, gate.DecodeOptions{})).RevocationID(); got != tt.want {
			t.Errorf("RevocationID = %q, want %q", got, tt.want)
		}
	}
	_, err := g.Decode(t.Context(), token("renewed_jti", "1"), gate.DecodeOptions{})
	checkVerdict(t, err, "jti_type")
}

// A guard of an application's own reads the claims of a request without a token, too.
func TestClaimsOfNoToken(t *testing.T) {
	tok, err := newGate(t, gate.Config{}).Check(request("GET", "/"), gate.Policy{Optional: true})
	if err != nil || tok != nil {
		t.Fatalf("Check = %v, %v; want no token and no error", tok, err)
	}
	var claims struct{ Admin bool }
	if err := tok.Claims(&claims); !errors.Is(err, gate.ErrMissing) {
		t.Errorf("Claims = %v, want ErrMissing", err)
	}
}

// TestClaimsAsText: the claims as their JSON, which belongs to the caller.
func TestClaimsAsText(t *testing.T) {
	g := must(gate.New(gate.Config{Keys: must(keys.Generate(keys.HS256))}))
	raw := must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"n": jsontext.Value("9007199254740993.0")}}))
	tok := must(g.CheckToken(t.Context(), raw, gate.Policy{}))
	want := string(must(base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])))
	for range 2 {
		var text jsontext.Value
		if err := tok.Claims(&text); err != nil || string(text) != want {
			t.Errorf("Claims = %s, %v; want %s", text, err, want)
		}
		clear(text)
	}
	var text jsontext.Value
	if err := (&gate.Token{Subject: "bob"}).Claims(&text); err != nil || !strings.Contains(string(text), `"sub":"bob"`) {
		t.Errorf("Claims of a token made by hand = %s, %v", text, err)
	}
}
