package main

import (
	"html/template"
	"log"
	"net/http"
)

// The login form has no action, so that it is sent to the URL of the page, which may have
// the parameter next: the way back.
var views = template.Must(template.New("").Parse(`
{{define "login"}}<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Log in</title>
<h1>Log in</h1>
{{with .}}<p role="alert">{{.}}</p>{{end}}
<form method="post">
<p><label>Name <input name="name" autocomplete="username" required></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<p><label><input name="remember" type="checkbox"> Stay logged in</label>
<p><button>Log in</button>
</form>{{end}}

{{define "home"}}<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Notes</title>
<h1>Hello, {{.Name}}</h1>
<ul>{{range .Notes}}<li>{{.}}</li>{{end}}</ul>
<form method="post" action="/notes">{{.CSRF}}<label>Note <input name="note"></label> <button>Add</button></form>
<form method="post" action="/pictures" enctype="multipart/form-data">{{.CSRF}}<label>Picture <input name="picture" type="file"></label> <button>Upload</button></form>
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
