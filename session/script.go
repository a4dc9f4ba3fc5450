package session

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"time"
)

//go:embed gate.js
var script []byte

// Script returns a handler for the JavaScript module that a page imports to send its
// requests with tokens. Serve it on the origin of the page, at any path:
//
//	mux.Handle("GET /gate.js", session.Script())
//
// The page then writes:
//
//	import { Client } from "/gate.js";
//	const gate = new Client({ auth: "/auth/" });
//	const response = await gate.fetch("/me");
//
// The module exports one class, Client. It is for [Split] and [Cookies] delivery, and for
// the routes of [Manager.Handler]. It adds the access token or the CSRF value to requests,
// refreshes the tokens when they have expired, lets one tab refresh at a time, and tells a
// page when another tab has logged out. The page docs/browser.md describes its methods
// and events. The file has no secrets, and may be copied or bundled instead.
//
// Browsers ask at each use whether the file has changed (ETag). The handler answers GET and
// HEAD only.
func Script() http.Handler {
	sum := sha256.Sum256(script)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(script))
	})
}
