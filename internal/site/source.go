package main

import (
	"bytes"
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
)

// sourceOut returns the file that shows a source.
func sourceOut(name string, folder bool) string {
	if folder {
		return path.Join("src", name, "index.html")
	}
	return path.Join("src", name) + ".html"
}

// addSource renders a file with its lines numbered, or the list of a folder's files.
func (s *site) addSource(name string) error {
	info, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	p := &page{Title: name, Out: sourceOut(name, info.IsDir()), source: name}
	if info.IsDir() {
		p.Body, err = s.folder(p, name)
	} else {
		p.Body, err = s.file(name)
	}
	s.pages = append(s.pages, p)
	return err
}

// folder lists the files of a folder. Folders in it are pages only where others link to them.
func (s *site) folder(p *page, name string) (template.HTML, error) {
	entries, err := os.ReadDir(filepath.Join(s.root, filepath.FromSlash(name)))
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<h1>%s</h1>\n<ul>\n", template.HTMLEscapeString(name))
	for _, e := range entries {
		if e.IsDir() && s.packages[path.Join(name, e.Name())] == nil {
			fmt.Fprintf(&b, "<li>%s/</li>\n", template.HTMLEscapeString(e.Name()))
			continue
		}
		to, err := s.page(path.Join(name, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "<li><a href=%q>%s</a></li>\n", rel(p.Out, to), template.HTMLEscapeString(e.Name()))
	}
	b.WriteString("</ul>\n")
	return template.HTML(b.String()), nil
}

// file shows a text in colours.
func (s *site) file(name string) (template.HTML, error) {
	content, err := s.read(name)
	if err != nil {
		return "", err
	}
	lexer := lexers.Match(path.Base(name))
	if lexer == nil {
		lexer = lexers.Fallback
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<h1>%s</h1>\n", template.HTMLEscapeString(name))
	if bytes.ContainsRune(content, 0) {
		b.WriteString("<p>This file is not a text.</p>\n")
		return template.HTML(b.String()), nil
	}
	err = highlight(&b, lexer, string(content), html.WithLineNumbers(true), html.WithLinkableLineNumbers(true, "L"))
	return template.HTML(b.String()), err
}

// highlight writes code as HTML; the colours are in the stylesheet.
func highlight(b *bytes.Buffer, lexer chroma.Lexer, code string, options ...html.Option) error {
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return err
	}
	return html.New(append(options, html.WithClasses(true))...).Format(b, styles.Get("github"), tokens)
}

// stylesheet is the site's, with the colours of code for light and dark.
func stylesheet() ([]byte, error) {
	css, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(css)
	formatter := html.New(html.WithClasses(true))
	for _, scheme := range []struct{ name, style string }{{"light", "github"}, {"dark", "github-dark"}} {
		fmt.Fprintf(b, "@media (prefers-color-scheme: %s) {\n", scheme.name)
		if err := formatter.WriteCSS(b, styles.Get(scheme.style)); err != nil {
			return nil, err
		}
		b.WriteString("}\n")
	}
	return b.Bytes(), nil
}
