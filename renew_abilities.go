package gate

import "net/http"

// abilities has a type for each set of optional methods, since the methods of a Go type
// are fixed when it is compiled.
var abilities = [32]func(w *renewWriter) http.ResponseWriter{
	0: func(w *renewWriter) http.ResponseWriter { return w },
	canFlush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
		}{w, renewFlusher{w}}
	},
	canHijack: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
		}{w, renewHijacker{w}}
	},
	canFlush | canHijack: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
		}{w, renewFlusher{w}, renewHijacker{w}}
	},
	canReadFrom: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewReaderFrom
		}{w, renewReaderFrom{w}}
	},
	canFlush | canReadFrom: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewReaderFrom
		}{w, renewFlusher{w}, renewReaderFrom{w}}
	},
	canHijack | canReadFrom: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
			renewReaderFrom
		}{w, renewHijacker{w}, renewReaderFrom{w}}
	},
	canFlush | canHijack | canReadFrom: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
			renewReaderFrom
		}{w, renewFlusher{w}, renewHijacker{w}, renewReaderFrom{w}}
	},
	canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			http.Pusher
		}{w, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			http.Pusher
		}{w, renewFlusher{w}, w.ResponseWriter.(http.Pusher)}
	},
	canHijack | canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
			http.Pusher
		}{w, renewHijacker{w}, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canHijack | canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
			http.Pusher
		}{w, renewFlusher{w}, renewHijacker{w}, w.ResponseWriter.(http.Pusher)}
	},
	canReadFrom | canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewReaderFrom
			http.Pusher
		}{w, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canReadFrom | canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewReaderFrom
			http.Pusher
		}{w, renewFlusher{w}, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canHijack | canReadFrom | canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
			renewReaderFrom
			http.Pusher
		}{w, renewHijacker{w}, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canFlush | canHijack | canReadFrom | canPush: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
			renewReaderFrom
			http.Pusher
		}{w, renewFlusher{w}, renewHijacker{w}, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher)}
	},
	canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			closeNotifier
		}{w, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			closeNotifier
		}{w, renewFlusher{w}, w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
			closeNotifier
		}{w, renewHijacker{w}, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
			closeNotifier
		}{w, renewFlusher{w}, renewHijacker{w}, w.ResponseWriter.(closeNotifier)}
	},
	canReadFrom | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewReaderFrom
			closeNotifier
		}{w, renewReaderFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canReadFrom | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewReaderFrom
			closeNotifier
		}{w, renewFlusher{w}, renewReaderFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canReadFrom | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
			renewReaderFrom
			closeNotifier
		}{w, renewHijacker{w}, renewReaderFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canReadFrom | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
			renewReaderFrom
			closeNotifier
		}{w, renewFlusher{w}, renewHijacker{w}, renewReaderFrom{w}, w.ResponseWriter.(closeNotifier)}
	},
	canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			http.Pusher
			closeNotifier
		}{w, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			http.Pusher
			closeNotifier
		}{w, renewFlusher{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
			http.Pusher
			closeNotifier
		}{w, renewHijacker{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
			http.Pusher
			closeNotifier
		}{w, renewFlusher{w}, renewHijacker{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canReadFrom | canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewReaderFrom
			http.Pusher
			closeNotifier
		}{w, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canReadFrom | canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewReaderFrom
			http.Pusher
			closeNotifier
		}{w, renewFlusher{w}, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canHijack | canReadFrom | canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewHijacker
			renewReaderFrom
			http.Pusher
			closeNotifier
		}{w, renewHijacker{w}, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
	canFlush | canHijack | canReadFrom | canPush | canNotify: func(w *renewWriter) http.ResponseWriter {
		return struct {
			*renewWriter
			renewFlusher
			renewHijacker
			renewReaderFrom
			http.Pusher
			closeNotifier
		}{w, renewFlusher{w}, renewHijacker{w}, renewReaderFrom{w}, w.ResponseWriter.(http.Pusher), w.ResponseWriter.(closeNotifier)}
	},
}
