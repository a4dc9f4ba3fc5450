package docs_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// programs are the functions of internal/integration/bench/lines by what the table of
// frameworks.md calls them.
var programs = map[string]string{
	"`net/http`": "http.go: gateHTTP", "auth0 v3.1.0": "http.go: auth0HTTP",
	"chi": "chi.go: gateChi", "jwtauth v5.3.3": "chi.go: jwtauthChi, authenticator",
	"gin": "gin.go: gateGin", "gin-jwt v3.5.1": "gin.go: jwtGin",
	"Echo": "echo.go: gateEcho", "echo-jwt v5.0.1": "echo.go: jwtEcho",
	"Fiber": "fiber.go: gateFiber", "contrib jwt v1.2.1": "fiber.go: jwtFiber",
	"gRPC": "grpc.go: gateGRPC, loginFirst", "go-grpc-middleware v2.3.4": "grpc.go: jwtGRPC",
}

// TestFrameworkLines counts the lines of the programs.
func TestFrameworkLines(t *testing.T) {
	const folder = "internal/integration/bench"
	mod := read(t, folder+"/go.mod")
	counted := 0
	for _, r := range table(read(t, "docs/frameworks.md"), "Lines") {
		for i := 0; i <= 4; i += 4 {
			source, known := programs[r[i]]
			if !known {
				t.Errorf("the table of lines has %s, which is no program", r[i])
				continue
			}
			counted++
			text, err := textOf(folder + "/lines/" + source)
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprint(marked(text, "protect"), marked(text, "read"), marked(text, "error"))
			if got := strings.Join(r[i+1:i+4], " "); got != want || strings.Contains(want, " 0") {
				t.Errorf("frameworks.md has %s for %s, and the program has %s", got, r[i], want)
			}
			if _, version, has := strings.Cut(r[i], " v"); has && !strings.Contains(mod, " v"+version+"\n") {
				t.Errorf("%s is not the version of %s", r[i], folder)
			}
		}
	}
	if counted != len(programs) {
		t.Errorf("the table of lines has %d programs, want %d", counted, len(programs))
	}
	if files, err := filepath.Glob(filepath.Join(root, folder, "lines", "*_test.go")); err != nil || len(files) == 0 {
		t.Error("nothing runs the programs")
	}
}

// marked returns how many lines end with a comment.
func marked(text, comment string) int {
	return len(regexp.MustCompile(`(?m)// `+comment+`$`).FindAllString(text, -1))
}
