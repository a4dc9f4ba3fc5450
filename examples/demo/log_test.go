package main

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What the gate refuses is in the log, and no token is.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	db, cleanup, err := openFile(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer cleanup()
	ring, err := loadRing("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(t.Context(), db, ring)
	if err != nil {
		t.Fatal(err)
	}
	defer s.store.Close()
	r := httptest.NewRequest("GET", "/me", nil)
	raw := mint(t, secret, time.Now())
	r.Header.Set("Authorization", "Bearer "+raw)
	w := httptest.NewRecorder()
	s.routes().ServeHTTP(w, r)
	const want = "level=WARN msg=token.refused reason=signature location=header"
	if text := out.String(); w.Code != 401 || !strings.Contains(text, want) || strings.Contains(text, raw[:20]) {
		t.Errorf("status %d, log:\n%s\nwant 401, and %q without the token", w.Code, text, want)
	}
}
