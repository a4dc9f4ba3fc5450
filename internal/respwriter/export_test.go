package respwriter

import (
	"io"
	"net/http"
)

// Abilities returns the names of the optional methods that a set of bits gives.
func Abilities(can int) (names string) {
	w := abilities[can](&writer{ResponseWriter: allAbilities{}})
	for i, has := range []bool{is[http.Flusher](w), is[http.Hijacker](w), is[io.ReaderFrom](w), is[http.Pusher](w), is[closeNotifier](w)} {
		if has {
			names += []string{"Flush ", "Hijack ", "ReadFrom ", "Push ", "CloseNotify "}[i]
		}
	}
	return names
}

func is[T any](w http.ResponseWriter) bool {
	_, ok := w.(T)
	return ok
}

// allAbilities has the methods that are passed on as they are.
type allAbilities struct {
	http.ResponseWriter
	http.Pusher
	closeNotifier
}
