package main

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json"
)

// bodyBytes is how large a request's body may be.
const bodyBytes = 4 << 10

// readJSON reads a body that is one JSON object of v's members, and answers the
// request where it is not.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "Send JSON, with Content-Type: application/json")
		return false
	}
	err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, bodyBytes), v, json.RejectUnknownMembers(true))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "The body is too large; 4 KiB are enough here")
	case err != nil:
		refuse(w, http.StatusBadRequest, "The body is not a JSON object with the members of this route")
	}
	return err == nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := json.MarshalWrite(w, v, json.Deterministic(true)); err != nil {
		slog.Error("writing an answer", "error", err)
	}
	w.Write([]byte("\n"))
}

// message is an answer of one sentence, as gate's own answers are.
type message struct {
	Msg string `json:"msg"`
}

func refuse(w http.ResponseWriter, status int, msg string) {
	writeJSON(w, status, message{msg})
}

// fail answers a request that failed here, and tells the log why.
func fail(w http.ResponseWriter, err error) {
	slog.Error("request failed", "error", err)
	refuse(w, http.StatusInternalServerError, "Something went wrong here; it is in the log")
}
