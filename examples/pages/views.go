package main

import (
	"html/template"
	"log"
	"net/http"
)

var views = template.Must(template.New("").Parse(`
{{define "login"}}<!doctype html><title>Log in</title>
{{with .}}<p>{{.}}</p>{{end}}
<form method="post" action="/login">
<input name="name" autocomplete="username"> <input name="password" type="password" autocomplete="current-password">
<label><input name="remember" type="checkbox"> Stay logged in</label> <button>Log in</button>
</form>{{end}}

{{define "home"}}<!doctype html><title>Notes</title>
<h1>Hello, {{.Name}}</h1>
<ul>{{range .Notes}}<li>{{.}}</li>{{end}}</ul>
<form method="post" action="/notes">{{.CSRF}}<input name="note"> <button>Add</button></form>
<form method="post" action="/pictures" enctype="multipart/form-data">{{.CSRF}}<input name="picture" type="file"> <button>Upload</button></form>
<h2>Where you are logged in</h2>
<ul>{{range .Devices}}<li>{{.Device.UserAgent}}, last seen {{.Seen.Format "2 Jan 15:04"}}</li>{{end}}</ul>
<form method="post" action="/logout">{{.CSRF}}<button>Log out</button></form>{{end}}
`))

// show answers with a page.
func show(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := views.ExecuteTemplate(w, name, data); err != nil {
		log.Printf("page %s: %v", name, err) // the client has left, or the template is wrong
	}
}
