// Package lines has the same program for each framework, once with a gate and once with the
// framework's usual package for tokens: GET /me answers "Hello" and the subject of a token
// with HS256, and refused requests are answered with {"error": "..."}. Comments at the end
// of lines say what they are for: to protect the route, to read the user, and to change the
// error. docs/frameworks.md has the numbers of these lines.
package lines

import "net/http"

// HTTP has the programs for HTTP by their names.
var HTTP = map[string]func(secret []byte) (http.Handler, error){
	"net/http": gateHTTP, "auth0": auth0HTTP,
	"chi": gateChi, "jwtauth": jwtauthChi,
	"gin": gateGin, "gin-jwt": jwtGin,
	"echo": gateEcho, "echo-jwt": jwtEcho,
	"fiber": gateFiber, "fiber-jwt": jwtFiber,
}
