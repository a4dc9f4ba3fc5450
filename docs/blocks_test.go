package docs_test

// Every code block of a page is taken from a file of this repository that is compiled and
// run, or the page is one that a test follows (docs/testdata/guides.txt). A comment in the
// line before the block says from where:
//
//	<!-- from examples/gin/main.go -->                     the whole file
//	<!-- from examples/spa/api.go: credentials, api.logIn -->  these declarations, with their comments
//	<!-- from gatetest/guide_test.go: body of TestForm --> the statements of a function
//	<!-- from examples/spa/page.html: part login -->       the lines between [login] and [end]
//	<!-- from example_01_login_test.go: output of Example_login -->  what the example prints
//
// [login] and [end] are alone in a line, in a comment of the file's language: // [login].
// Indentation that all lines share is dropped, and so is "// auth" at the end of lines.
//
//	UPDATE=1 go test ./docs -run TestBlocks
//
// writes the text of the files into the pages.

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sourceless are the blocks without a source, and why.
var sourceless = []exception{
	{"CONTRIBUTING.md", "git clone", "a clone of this repository"},
	{"docs/architecture.md", " Require ── Check", "a drawing"},
	{"docs/architecture.md", " examples, session", "a drawing"},
	{"docs/performance.md", "make bench", "benchmarks, which run for an hour"},
	{"docs/releasing.md", "git switch --detach", "publishes a release; internal/integration/consumer runs scripts/release-mods.sh"},
	{"docs/releasing.md", "   go mod init", "needs a published release; internal/integration/consumer does the same"},
}

type exception struct{ page, begins, why string }

// block is a fenced block of a page: lines first to last-1.
type block struct {
	source      string // after "from", or ""
	first, last int
}

var (
	fenceLine  = regexp.MustCompile("^ *```\\S*\n?$")
	sourceLine = regexp.MustCompile(`^<!-- from (.+) -->$`)
	indented   = regexp.MustCompile(`^(    |\t)\s*\S`)
	listItem   = regexp.MustCompile(`^\s*([-*]|\d+\.) `)
)

// blocks returns the fenced blocks of a page, and the numbers of lines that are code
// without a fence.
func blocks(lines []string) (fenced []block, bare []int) {
	open, list := false, false
	for i, line := range lines {
		switch {
		case fenceLine.MatchString(line) && open:
			fenced[len(fenced)-1].last = i
			open = false
		case fenceLine.MatchString(line):
			b := block{first: i + 1, last: len(lines)}
			if s := sourceLine.FindStringSubmatch(strings.TrimSpace(lines[max(i-1, 0)])); s != nil {
				b.source = s[1]
			}
			fenced, open = append(fenced, b), true
		case !open:
			list = listItem.MatchString(line) || list && (line == "\n" || strings.HasPrefix(line, " "))
			if indented.MatchString(line) && !list {
				bare = append(bare, i+1)
			}
		}
	}
	return fenced, bare
}

// compare returns what is wrong with the blocks of a page, the first lines of those
// without a source, and the page as it should be.
func compare(text string) (wrong, without []string, after string) {
	lines := slices.Collect(strings.Lines(text))
	fenced, bare := blocks(lines)
	for _, n := range bare {
		wrong = append(wrong, fmt.Sprintf("line %d: put code between ``` and not behind spaces", n))
	}
	at := 0
	for _, b := range fenced {
		got := strings.Join(lines[b.first:b.last], "")
		if b.source == "" {
			without = append(without, strings.TrimRight(got, "\n"))
			continue
		}
		want, err := textOf(b.source)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("line %d: %v", b.first, err))
			want = got
		case got != want:
			wrong = append(wrong, fmt.Sprintf("line %d is not what %s has:\n%s", b.first, b.source, want))
		}
		after += strings.Join(lines[at:b.first], "") + want
		at = b.last
	}
	return wrong, without, after + strings.Join(lines[at:], "")
}

// TestBlocks compares every block of every page with its source.
func TestBlocks(t *testing.T) {
	used := make([]bool, len(sourceless))
	// internal/integration/consumer runs every block of these pages that has no source.
	followed := strings.Fields(read(t, "docs/testdata/guides.txt"))
	for path, text := range pages(t) {
		page, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		wrong, without, after := compare(text)
		if os.Getenv("UPDATE") != "" && after != text {
			if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
				t.Fatal(err)
			}
			wrong, without, _ = compare(after)
		}
		for _, w := range wrong {
			t.Errorf("%s: %s", page, w)
		}
		if slices.Contains(followed, page) {
			without = nil
		}
		for _, block := range without {
			i := slices.IndexFunc(sourceless, func(k exception) bool { return k.page == page && strings.HasPrefix(block, k.begins) })
			if i < 0 {
				t.Errorf("%s has a block without a source; write <!-- from FILE: NAME --> before it:\n%s", page, block)
				continue
			}
			used[i] = true
		}
	}
	for i, k := range sourceless {
		if !used[i] {
			t.Errorf("%s has no block without a source that begins with %q: take it off the list", k.page, k.begins)
		}
	}
}

// TestCompare: what TestBlocks has to find.
func TestCompare(t *testing.T) {
	const list = "<!-- from docs/docs_test.go: row -->\n"
	const text = "// row is a line of a table, cell by cell.\ntype row []string\n"
	for _, tt := range []struct{ name, page, wrong, without string }{
		{"the same", list + "```go\n" + text + "```\n", "", ""},
		{"another word", list + "```go\ntype row []byte\n```\n", "line 2 is not what", ""},
		{"no source", "text\n```go\nx := 1\n```\n", "", "x := 1"},
		{"no such name", "<!-- from docs/docs_test.go: nobody -->\n```go\n```\n", "declares no nobody", ""},
		{"no such file", "<!-- from docs/nothing.go -->\n```go\n```\n", "no such file", ""},
		{"no such part", "<!-- from Makefile: part x -->\n```make\n```\n", "has 0 parts [x]", ""},
		{"a body", "<!-- from docs/docs_test.go: body of row -->\n```go\n```\n", "has no function row", ""},
		{"behind spaces", "text\n\n    x := 1\n", "line 3: put code", ""},
		{"in a list", "- text\n\n      more\n", "", ""},
	} {
		wrong, without, after := compare(tt.page)
		if got := strings.Join(wrong, " "); !strings.Contains(got, tt.wrong) || (got == "") != (tt.wrong == "") {
			t.Errorf("%s: %q is wrong, want %q", tt.name, got, tt.wrong)
		}
		if got := strings.Join(without, " "); got != tt.without {
			t.Errorf("%s: %q has no source, want %q", tt.name, got, tt.without)
		}
		if again, _, _ := compare(after); tt.name == "another word" && len(again) > 0 {
			t.Errorf("%s: still wrong after the update: %q", tt.name, again)
		}
	}
}

var remark = regexp.MustCompile(`(?m)[ \t]*// auth$`)

// textOf returns the text that a source names.
func textOf(source string) (string, error) {
	path, what, some := strings.Cut(source, ": ")
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return "", err
	}
	text := string(content)
	switch {
	case !some:
	case strings.HasPrefix(what, "part "):
		text, err = part(text, strings.TrimPrefix(what, "part "))
	default:
		text, err = declared(path, text, what)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return dedent(remark.ReplaceAllString(strings.TrimRight(text, "\n")+"\n", "")), nil
}

// part returns the lines between [name] and [end].
func part(text, name string) (string, error) {
	mark := func(name string) *regexp.Regexp {
		return regexp.MustCompile(`(?m)^\s*(//|#|--|/\*|<!--) *\[` + regexp.QuoteMeta(name) + `\] *(\*/|-->)?\n`)
	}
	starts := mark(name).FindAllStringIndex(text, -1)
	if len(starts) != 1 {
		return "", fmt.Errorf("has %d parts [%s]", len(starts), name)
	}
	text = text[starts[0][1]:]
	end := mark("end").FindStringIndex(text)
	if end == nil {
		return "", fmt.Errorf("the part [%s] has no [end]", name)
	}
	return text[:end[0]], nil
}

// declared returns declarations of a Go file, or the body or output of one function.
func declared(path, text, what string) (string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	lines := slices.Collect(strings.Lines(text))
	between := func(from, to token.Pos, trim int) string {
		return strings.Join(lines[files.Position(from).Line-1+trim:files.Position(to).Line-trim], "")
	}
	verb, name, _ := strings.Cut(what, " of ")
	if verb == "body" || verb == "output" {
		f, ok := find(file, name).(*ast.FuncDecl)
		if !ok {
			return "", fmt.Errorf("has no function %s", name)
		}
		body := between(f.Body.Lbrace, f.Body.Rbrace, 1)
		if verb == "body" {
			return body, nil
		}
		return printed(body)
	}
	var all []string
	for _, name := range strings.Split(what, ", ") {
		d := find(file, name)
		if d == nil {
			return "", fmt.Errorf("declares no %s", name)
		}
		from := d.Pos()
		if doc := docOf(d); doc != nil {
			from = doc.Pos()
		}
		all = append(all, between(from, d.End(), 0))
	}
	return strings.Join(all, "\n"), nil
}

// find returns the declaration of a name, "f" or "type.method", or nil.
func find(file *ast.File, name string) ast.Decl {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if receiver(d)+d.Name.Name == name {
				return d
			}
		case *ast.GenDecl:
			found := make(map[string]bool)
			addNames(found, d)
			if found[name] {
				return d
			}
		}
	}
	return nil
}

func docOf(d ast.Decl) *ast.CommentGroup {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}

// printed returns the output that the body of an example ends with.
func printed(body string) (string, error) {
	_, comment, found := strings.Cut(body, "// Output:\n")
	if !found {
		return "", fmt.Errorf("the example has no // Output:")
	}
	return regexp.MustCompile(`(?m)^\s*// ?`).ReplaceAllString(comment, ""), nil
}

// dedent drops the tabs or spaces that all lines begin with.
func dedent(text string) string {
	shared, lines := "", slices.Collect(strings.Lines(text))
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		switch {
		case strings.TrimSpace(line) == "":
			continue
		case i == 0:
			shared = indent
		}
		for !strings.HasPrefix(indent, shared) {
			shared = shared[:len(shared)-1]
		}
	}
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], shared)
	}
	return strings.Join(lines, "")
}
