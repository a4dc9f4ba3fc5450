package main

import (
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// source is this program, whose lines the page shows.
//
//go:embed handlers.go journal.go page.go service.go signing.go tokens.go
var source embed.FS

// goCode returns functions of this program as they are in the source.
func goCode(names ...string) (string, error) {
	files, err := source.ReadDir(".")
	if err != nil {
		return "", err
	}
	found := map[string]string{}
	for _, f := range files {
		text, err := source.ReadFile(f.Name())
		if err != nil {
			return "", err
		}
		if err := addFuncs(found, f.Name(), text); err != nil {
			return "", err
		}
	}
	return join(names, found)
}

// addFuncs adds the functions of a file to those found, with their comments.
func addFuncs(found map[string]string, name string, text []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		from := f.Pos()
		if f.Doc != nil {
			from = f.Doc.Pos()
		}
		if found[f.Name.Name] != "" {
			return fmt.Errorf("%s has a second function %s; the page would show either", name, f.Name.Name)
		}
		found[f.Name.Name] = string(text[set.Position(from).Offset:set.Position(f.End()).Offset])
	}
	return nil
}

// jsCode returns exported functions of the page's script travel.js.
func jsCode(names ...string) (string, error) {
	text, err := web.ReadFile("page/travel.js")
	if err != nil {
		return "", err
	}
	found := map[string]string{}
	for part := range strings.SplitSeq(string(text), "\n\n") {
		if _, after, ok := strings.Cut(part, "export function "); ok {
			name, _, _ := strings.Cut(after, "(")
			found[name] = strings.TrimSpace(part)
		}
	}
	return join(names, found)
}

func join(names []string, found map[string]string) (string, error) {
	var parts []string
	for _, name := range names {
		if found[name] == "" {
			return "", fmt.Errorf("the page shows %s, which the source does not have", name)
		}
		parts = append(parts, found[name])
	}
	return strings.Join(parts, "\n\n"), nil
}
