package main

import (
	"bytes"
	"embed"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// web has the page and the page of the attacker.
//
//go:embed page
var web embed.FS

// pagePolicy is the Content-Security-Policy of the page: its own files and nothing else, and
// frames of the attacker.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; frame-src 'self' "

// evilPolicy is that of the attacker, who may post forms to the page's site.
const evilPolicy = "default-src 'none'; style-src 'self'; form-action http://127.0.0.1:* http://localhost:*; base-uri 'none'"

// pageHandler serves the page and its files. evilPort is where the attacker listens.
func pageHandler(evilPort string) (http.Handler, error) {
	index, err := renderPage(evilPort)
	if err != nil {
		return nil, err
	}
	policy := pagePolicy + "http://127.0.0.1:" + evilPort + " http://localhost:" + evilPort
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", static("index.html", index))
	files, err := web.ReadDir("page")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := web.ReadFile("page/" + f.Name())
		if err != nil {
			return nil, err
		}
		if path.Ext(f.Name()) != ".html" {
			mux.Handle("GET /page/"+f.Name(), static(f.Name(), text))
		}
	}
	return withPolicy(policy, mux), nil
}

// renderPage writes the lines of Go and JavaScript that each panel shows into the page.
func renderPage(evilPort string) ([]byte, error) {
	t, err := template.New("index.html").Funcs(template.FuncMap{"goCode": goCode, "jsCode": jsCode}).ParseFS(web, "page/index.html")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, map[string]string{"EvilPort": evilPort})
	return page.Bytes(), err
}

// evilHandler serves the attacker's page: a form that posts to the demo.
func evilHandler(targetPort string) (http.Handler, error) {
	t, err := template.ParseFS(web, "page/evil.html")
	if err != nil {
		return nil, err
	}
	style, err := web.ReadFile("page/style.css")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /page/style.css", static("style.css", style))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		host := "127.0.0.1"
		if r.URL.Query().Get("to") == "localhost" {
			host = "localhost"
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = t.Execute(w, map[string]string{"Target": "http://" + host + ":" + targetPort}) // the client may have left
	})
	return withPolicy(evilPolicy, mux), nil
}

// types has the types of the page's files; mime asks the machine, which may say something else.
var types = map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

func static(name string, text []byte) http.Handler {
	typ := mime.FormatMediaType(types[path.Ext(name)], map[string]string{"charset": "utf-8"})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", typ)
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, name, time.Time{}, strings.NewReader(string(text)))
	})
}

func withPolicy(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
