package main

import (
	"bytes"
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/yuin/goldmark"
	highlighting "github.com/yuin/goldmark-highlighting/v2"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// markdown reads what forges show as Markdown. HTML in a page is left out, comments too.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.GFM, highlighting.NewHighlighting(
		highlighting.WithFormatOptions(html.WithClasses(true)), highlighting.WithStyle("github"))),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
)

// addMarkdown renders a page of the repository.
func (s *site) addMarkdown(name string) error {
	content, err := s.read(name)
	if err != nil {
		return err
	}
	p := &page{Out: markdownOut(name), source: name}
	doc := markdown.Parser().Parse(text.NewReader(content), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	if err := s.rewrite(p, doc, content); err != nil {
		return err
	}
	p.Sections = sections(doc, content)
	if len(p.Sections) == 0 {
		return fmt.Errorf("the page has no heading")
	}
	p.Title = p.Sections[0].Title
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, content, doc); err != nil {
		return err
	}
	p.Body = template.HTML(breakURLs(b.String()))
	s.pages = append(s.pages, p)
	return nil
}

var codeURL = regexp.MustCompile(`<code>(https?://)([^<]*)</code>`)

// breakURLs lets lines break after the slashes of a URL, so that a column of URLs leaves
// width for the columns after it.
func breakURLs(html string) string {
	return codeURL.ReplaceAllStringFunc(html, func(code string) string {
		url := codeURL.FindStringSubmatch(code)
		return "<code>" + url[1] + strings.ReplaceAll(url[2], "/", "/<wbr>") + "</code>"
	})
}

// markdownOut returns the file of a page: the README is the site's first page.
func markdownOut(name string) string {
	if name == "README.md" {
		return "index.html"
	}
	return strings.TrimSuffix(name, ".md") + ".html"
}

// rewrite turns links to files of the repository into links to pages of the site, copies
// images, and links Go names in code to their documentation.
func (s *site) rewrite(p *page, doc ast.Node, content []byte) error {
	var spans []*ast.CodeSpan
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			to, err := s.target(p, string(n.Destination))
			n.Destination = []byte(to)
			return ast.WalkSkipChildren, err
		case *ast.Heading:
			return ast.WalkSkipChildren, nil
		case *ast.Image:
			to, err := s.image(p, string(n.Destination))
			n.Destination = []byte(to)
			return ast.WalkContinue, err
		case *ast.CodeSpan:
			spans = append(spans, n)
		}
		return ast.WalkContinue, nil
	})
	for _, span := range spans {
		s.linkName(p, span, plain(span, content))
	}
	return err
}

// linkName puts a link around a code span that is the name of a declaration.
func (s *site) linkName(p *page, span *ast.CodeSpan, code string) {
	to, ok := s.declaration(code)
	if !ok {
		return
	}
	link := ast.NewLink()
	link.Destination = []byte(rel(p.Out, to))
	parent := span.Parent()
	parent.ReplaceChild(parent, span, link)
	link.AppendChild(link, span)
}

// target returns the link of the site for a link of the page.
func (s *site) target(p *page, link string) (string, error) {
	file, fragment, found := strings.Cut(link, "#")
	if strings.HasPrefix(link, "https://") || file == "" {
		return link, nil
	}
	name := path.Join(path.Dir(p.source), file)
	to, err := s.page(name)
	if found {
		to += "#" + fragment
	}
	return rel(p.Out, to), err
}

// page returns the file of the site that shows a file or folder of the repository, and
// queues it to be rendered if it is a source.
func (s *site) page(name string) (string, error) {
	for _, g := range groups {
		for _, listed := range g.Pages {
			if listed == name {
				return markdownOut(name), nil
			}
		}
	}
	if s.packages[name] != nil {
		return packageOut(name), nil
	}
	info, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(name)))
	if err != nil {
		return "", err
	}
	if !s.seen[name] {
		s.seen[name] = true
		s.queued = append(s.queued, name)
	}
	return sourceOut(name, info.IsDir()), nil
}

// image copies an image and returns the link to it.
func (s *site) image(p *page, link string) (string, error) {
	name := path.Join(path.Dir(p.source), link)
	to := path.Join("images", name)
	if s.seen[to] {
		return rel(p.Out, to), nil
	}
	s.seen[to] = true
	content, err := s.read(name)
	if err != nil {
		return "", err
	}
	return rel(p.Out, to), s.save(to, content)
}

// sections cuts a page at its headings.
func sections(doc ast.Node, content []byte) (list []section) {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			id, _ := h.AttributeString("id")
			b, _ := id.([]byte)
			list = append(list, section{ID: string(b), Title: plain(h, content), Level: h.Level})
			continue
		}
		if len(list) > 0 {
			last := &list[len(list)-1]
			last.Text = strings.TrimSpace(last.Text + " " + plain(n, content))
		}
	}
	return list
}

// plain returns the text of a node, without markup.
func plain(n ast.Node, content []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(content))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				b.Write(line.Value(content))
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// anchors makes the fragments of headings as forges do.
type anchors map[string]int

func (a anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(string(value)))
	n := a[id]
	a[id]++
	if n > 0 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return []byte(id)
}

func (a anchors) Put(value []byte) { a[string(value)]++ }
