package respwriter

import "net/http"

// abilities makes a writer for each combination of optional methods. Each needs a type of
// its own, because the methods of a Go type are fixed at compile time.
var abilities = [32]func(w *writer) http.ResponseWriter{
	0: func(w *writer) http.ResponseWriter { return w },
	canFlush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
		}{w, flusher{w}}
	},
	canHijack: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
		}{w, hijacker{w}}
	},
	canFlush | canHijack: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
		}{w, flusher{w}, hijacker{w}}
	},
	canReadFrom: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			readerFrom
		}{w, readerFrom{w}}
	},
	canFlush | canReadFrom: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			readerFrom
		}{w, flusher{w}, readerFrom{w}}
	},
	canHijack | canReadFrom: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
			readerFrom
		}{w, hijacker{w}, readerFrom{w}}
	},
	canFlush | canHijack | canReadFrom: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
			readerFrom
		}{w, flusher{w}, hijacker{w}, readerFrom{w}}
	},
	canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			http.Pusher
		}{w, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			http.Pusher
		}{w, flusher{w}, w.ResponseWriter.(http.Pusher)}
	},
	canHijack | canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
			http.Pusher
		}{w, hijacker{w}, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canHijack | canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
			http.Pusher
		}{w, flusher{w}, hijacker{w}, w.ResponseWriter.(http.Pusher)}
	},
	canReadFrom | canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			readerFrom
			http.Pusher
		}{w, readerFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canReadFrom | canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			readerFrom
			http.Pusher
		}{w, flusher{w}, readerFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canHijack | canReadFrom | canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
			readerFrom
			http.Pusher
		}{w, hijacker{w}, readerFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canHijack | canReadFrom | canPush: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
			readerFrom
			http.Pusher
		}{w, flusher{w}, hijacker{w}, readerFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			closeNotifier
		}{w, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			closeNotifier
		}{w, flusher{w}, w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
			closeNotifier
		}{w, hijacker{w}, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
			closeNotifier
		}{w, flusher{w}, hijacker{w}, w.ResponseWriter.(closeNotifier)}
	},
	canReadFrom | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			readerFrom
			closeNotifier
		}{w, readerFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canReadFrom | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			readerFrom
			closeNotifier
		}{w, flusher{w}, readerFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canReadFrom | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
			readerFrom
			closeNotifier
		}{w, hijacker{w}, readerFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canReadFrom | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
			readerFrom
			closeNotifier
		}{w, flusher{w}, hijacker{w}, readerFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			http.Pusher
			closeNotifier
		}{w, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			http.Pusher
			closeNotifier
		}{w, flusher{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
			http.Pusher
			closeNotifier
		}{w, hijacker{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
			http.Pusher
			closeNotifier
		}{w, flusher{w}, hijacker{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canReadFrom | canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			readerFrom
			http.Pusher
			closeNotifier
		}{w, readerFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canReadFrom | canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			readerFrom
			http.Pusher
			closeNotifier
		}{w, flusher{w}, readerFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canReadFrom | canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			hijacker
			readerFrom
			http.Pusher
			closeNotifier
		}{w, hijacker{w}, readerFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canReadFrom | canPush | canNotify: func(w *writer) http.ResponseWriter {
		return struct {
			*writer
			flusher
			hijacker
			readerFrom
			http.Pusher
			closeNotifier
		}{w, flusher{w}, hijacker{w}, readerFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
}
