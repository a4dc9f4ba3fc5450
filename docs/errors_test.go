package docs_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// kinds are the refusals by the names that errors.md has for them.
var kinds = map[string]error{
	"ErrMissing": gate.ErrMissing, "ErrCSRF": gate.ErrCSRF, "ErrInvalid": gate.ErrInvalid,
	"ErrWrongType": gate.ErrWrongType, "ErrExpired": gate.ErrExpired, "ErrRevoked": gate.ErrRevoked,
	"ErrNoUser": gate.ErrNoUser, "ErrNotFresh": gate.ErrNotFresh, "ErrScope": gate.ErrScope, "ErrRejected": gate.ErrRejected,
}

var number = regexp.MustCompile(`"\d+"`)

// setting is a name whose existence TestNames checks.
var setting = regexp.MustCompile("`(gate|keys|session)\\.[A-Z]")

// TestKinds compares the first table of errors.md with what is answered.
func TestKinds(t *testing.T) {
	rows := table(read(t, "docs/errors.md"), "Kind")
	if len(rows) != len(kinds)+1 {
		t.Errorf("errors.md has %d kinds, want %d and any other error", len(rows), len(kinds))
	}
	for _, r := range rows {
		kind, known := kinds[code(r[0])]
		var err error = &gate.Error{Kind: kind}
		switch {
		case r[0] == "any other error":
			err = errors.New("store is down")
		case !known:
			t.Errorf("errors.md has %s, which is no kind", r[0])
			continue
		case kind == gate.ErrNotFresh:
			err = notFresh(t) // only a gate knows the age
		}
		w := httptest.NewRecorder()
		gate.ProblemErrors("x:")(w, nil, err)
		challenge := number.ReplaceAllString(w.Header().Get("WWW-Authenticate"), `"N"`)
		got := []string{strconv.Itoa(w.Code), challenge, code(r[3])}
		want := []string{r[1], code(r[2]), code(r[3])}
		if !slices.Equal(got, want) || !strings.Contains(w.Body.String(), `"type":"x:`+code(r[3])+`"`) {
			t.Errorf("%s is answered with %q %s, and errors.md has %q", r[0], got, w.Body, want)
		}
	}
}

// notFresh is the error of a gate for a token that is not.
func notFresh(t *testing.T) error {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.CheckToken(t.Context(), raw, gate.Policy{Fresh: true})
	return err
}

// TestReasons compares the other tables with the source: every reason, once, with
// its kind and message.
func TestReasons(t *testing.T) {
	source := reasonsOfSource(t)
	left := maps.Clone(source)
	for _, r := range table(read(t, "docs/errors.md"), "Reason") {
		reason := code(r[0])
		want, known := source[reason]
		if _, unseen := left[reason]; !known || !unseen {
			t.Errorf("errors.md has the reason %s twice, or it does not exist", reason)
			continue
		}
		delete(left, reason)
		e := &gate.Error{Kind: kinds[code(r[1])], Reason: reason, Name: "%"}
		if kind := code(r[1]); kind != want || kinds[kind] == nil || e.Message() != r[2] {
			t.Errorf("errors.md has %s, %s, %q; the source has %s, %q", reason, kind, r[2], want, e.Message())
		}
	}
	for _, r := range table(read(t, "docs/errors.md"), "Reason") {
		if len(r) != 4 || r[3] != "nothing" && !setting.MatchString(r[3]) {
			t.Errorf("the row of %s does not name the setting that would allow it, as `gate.Accept.Leeway`, or nothing", r[0])
		}
	}
	for reason := range left {
		t.Errorf("errors.md lacks the reason %s", reason)
	}
}

// reasonsOfSource reads the reasons out of the package's source, with their kinds.
func reasonsOfSource(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	var listed []string
	for _, name := range append(files, filepath.Join(root, "internal/jws/fault.go"), filepath.Join(root, "session/refresh.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				addRefusal(found, n)
			case *ast.CompositeLit:
				addError(found, n)
			case *ast.ValueSpec:
				listed = append(listed, messageReasons(n)...)
				addJWSReasons(found, n)
				addBareKinds(found, n)
			}
			return true
		})
	}
	for _, reason := range listed {
		if found[reason] == "" && strings.HasPrefix(reason, "missing_") {
			found[reason] = "ErrMissing" // handed through a parameter
		}
		if found[reason] == "" {
			t.Errorf("nothing refuses with the reason %s", reason)
		}
	}
	if len(listed) < 50 {
		t.Fatalf("found %d messages in the source, which cannot be all", len(listed))
	}
	return found
}

// addRefusal reads refuse(ErrX, "reason") and refuseName(ErrX, "reason", ...).
func addRefusal(found map[string]string, call *ast.CallExpr) {
	name, _ := call.Fun.(*ast.Ident)
	if name == nil || name.Name != "refuse" && name.Name != "refuseName" {
		return
	}
	kind, _ := call.Args[0].(*ast.Ident)
	if reason := literal(call.Args[1]); kind != nil && reason != "" {
		found[reason] = kind.Name
	}
}

// addError reads Error{Kind: ErrX, Reason: "reason"}.
func addError(found map[string]string, lit *ast.CompositeLit) {
	var kind, reason string
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch field, _ := kv.Key.(*ast.Ident); {
		case field == nil:
		case field.Name == "Kind":
			switch name := kv.Value.(type) {
			case *ast.Ident:
				kind = name.Name
			case *ast.SelectorExpr: // of another package: gate.ErrRevoked
				kind = name.Sel.Name
			}
		case field.Name == "Reason":
			reason = literal(kv.Value)
		}
	}
	if kind != "" && reason != "" {
		found[reason] = kind
	}
}

// messageReasons returns the keys of the map of messages.
func messageReasons(spec *ast.ValueSpec) (keys []string) {
	for _, kv := range mapOf(spec, "messages") {
		keys = append(keys, literal(kv.Key))
	}
	return keys
}

// addJWSReasons adds the faults of package jws, which are always ErrInvalid.
func addJWSReasons(found map[string]string, spec *ast.ValueSpec) {
	if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Fault" {
		found[literal(spec.Values[0])] = "ErrInvalid"
	}
}

// addBareKinds adds the reasons of kinds that a hook returns as they are.
func addBareKinds(found map[string]string, spec *ast.ValueSpec) {
	if spec.Names[0].Name != "statuses" {
		return
	}
	for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
		row := e.(*ast.CompositeLit).Elts
		found[literal(row[len(row)-1])] = row[0].(*ast.Ident).Name
	}
}

// mapOf returns the pairs of the map literal that a variable of this name is set to.
func mapOf(spec *ast.ValueSpec, name string) (pairs []*ast.KeyValueExpr) {
	if spec.Names[0].Name != name || len(spec.Values) != 1 {
		return nil
	}
	lit, _ := spec.Values[0].(*ast.CompositeLit)
	for _, e := range lit.Elts {
		pairs = append(pairs, e.(*ast.KeyValueExpr))
	}
	return pairs
}

// literal returns the value of a string literal, or "".
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}
