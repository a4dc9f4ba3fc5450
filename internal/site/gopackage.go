package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/chroma/v2/lexers"
)

// module is the path of the root module; the paths of the others begin with it.
const module = "github.com/jwtgate/gate"

// A goPackage is a package that others can import.
type goPackage struct {
	*doc.Package
	dir   string
	fset  *token.FileSet
	names map[string]string // exported names ("Gate.Check", "Config.Keys") and their anchors
}

// notPublic are folders without packages for others.
var notPublic = []string{"internal", "examples", "testdata", "node_modules", "docs", "scripts", "bin", ".git", ".cache", ".ci"}

// readPackages reads the packages of all modules.
func readPackages(root string) (map[string]*goPackage, error) {
	all := map[string]*goPackage{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case name != root && slices.Contains(notPublic, d.Name()):
			return fs.SkipDir
		}
		dir, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		p, err := readPackage(name, filepath.ToSlash(dir))
		if p != nil {
			all[p.dir] = p
		}
		return err
	})
	return all, err
}

// readPackage reads the package in a folder; nil if there is none.
func readPackage(folder, dir string) (*goPackage, error) {
	info, err := build.ImportDir(folder, 0)
	if _, none := err.(*build.NoGoError); none {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &goPackage{dir: dir, fset: token.NewFileSet()}
	var files []*ast.File
	for _, name := range slices.Concat(info.GoFiles, info.TestGoFiles, info.XTestGoFiles) {
		f, err := parser.ParseFile(p.fset, filepath.Join(folder, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if p.Package, err = doc.NewFromFiles(p.fset, files, path.Join(module, dir)); err != nil {
		return nil, err
	}
	p.collectNames()
	return p, nil
}

// collectNames fills names.
func (p *goPackage) collectNames() {
	p.names = map[string]string{}
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, name := range v.Names {
				p.names[name] = name
			}
		}
	}
	funcs := func(list []*doc.Func, prefix string) {
		for _, f := range list {
			p.names[prefix+f.Name] = prefix + f.Name
		}
	}
	values(p.Consts)
	values(p.Vars)
	funcs(p.Funcs, "")
	for _, t := range p.Types {
		p.names[t.Name] = t.Name
		values(t.Consts)
		values(t.Vars)
		funcs(t.Funcs, "")
		funcs(t.Methods, t.Name+".")
		for _, spec := range t.Decl.Specs {
			for _, member := range members(spec.(*ast.TypeSpec).Type) {
				p.names[t.Name+"."+member] = t.Name
			}
		}
	}
}

// members returns the fields of a struct, or the methods of an interface.
func members(typ ast.Expr) (names []string) {
	var list *ast.FieldList
	switch typ := typ.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return nil
	}
	for _, f := range list.List {
		for _, name := range f.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

func (s *site) packageDirs() []string { return slices.Sorted(maps.Keys(s.packages)) }

// packageOut returns the page of a package.
func packageOut(dir string) string { return path.Join("pkg", dir, "index.html") }

var qualified = regexp.MustCompile(`^([a-z]+)\.([A-Z]\w*(?:\.[A-Z]\w*)?)$`)

// declaration returns the page and anchor of a name such as gate.Policy.Fresh.
func (s *site) declaration(name string) (string, bool) {
	m := qualified.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	for dir, p := range s.packages {
		if anchor, ok := p.names[m[2]]; ok && p.Name == m[1] {
			return packageOut(dir) + "#" + anchor, true
		}
	}
	return "", false
}

// addPackage renders the documentation of a package.
func (s *site) addPackage(dir string) error {
	p := s.packages[dir]
	out := &page{Title: dir, Out: packageOut(dir)}
	if dir == "." {
		out.Title = p.Name
	}
	t, err := template.New("package.html").Funcs(template.FuncMap{
		"comment":  func(text string) template.HTML { return s.comment(p, text) },
		"decl":     p.decl,
		"code":     p.code,
		"synopsis": p.Synopsis,
		"signature": func(f *doc.Func) (string, error) {
			line, err := p.text(withoutBody(f.Decl))
			return strings.Join(strings.Fields(line), " "), err
		},
		"sourceOf": func(n ast.Node) (string, error) { return s.sourceLine(p, out, n) },
	}).ParseFS(assets, "assets/package.html")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return err
	}
	out.Body = template.HTML(b.String())
	out.Sections = p.sections(out.Title)
	s.pages = append(s.pages, out)
	return nil
}

// comment renders a doc comment, with links to names of all packages.
func (s *site) comment(p *goPackage, text string) template.HTML {
	pr := p.Printer()
	pr.HeadingLevel = 3
	pr.DocLinkURL = func(link *comment.DocLink) string {
		name := link.Name
		if link.Recv != "" {
			name = link.Recv + "." + name
		}
		dir := p.dir
		if link.ImportPath != "" {
			rest, ours := strings.CutPrefix(link.ImportPath, module)
			if !ours {
				return "https://golang.org/pkg/" + link.ImportPath + "/#" + name
			}
			dir = path.Join(".", strings.TrimPrefix(rest, "/"))
		}
		to := packageOut(dir)
		if other := s.packages[dir]; other != nil && name != "" {
			to += "#" + other.names[name]
		}
		return rel(packageOut(p.dir), to)
	}
	return template.HTML(pr.HTML(p.Parser().Parse(text)))
}

// sourceLine returns the link to the line of the source that declares n.
func (s *site) sourceLine(p *goPackage, out *page, n ast.Node) (string, error) {
	at := p.fset.Position(n.Pos())
	name, err := filepath.Rel(s.root, at.Filename)
	if err != nil {
		return "", err
	}
	to, err := s.page(filepath.ToSlash(name))
	return fmt.Sprintf("%s#L%d", rel(out.Out, to), at.Line), err
}

// decl shows a declaration in colours.
func (p *goPackage) decl(n ast.Node) (template.HTML, error) {
	if f, ok := n.(*ast.FuncDecl); ok {
		n = withoutBody(f)
	}
	return p.colour(n)
}

// code shows the program of an example.
func (p *goPackage) code(e *doc.Example) (template.HTML, error) {
	if e.Play != nil {
		return p.colour(e.Play)
	}
	return p.colour(&printer.CommentedNode{Node: e.Code, Comments: e.Comments})
}

func (p *goPackage) colour(n any) (template.HTML, error) {
	code, err := p.text(n)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = highlight(&b, lexers.Get("go"), code)
	return template.HTML(b.String()), err
}

func (p *goPackage) text(n any) (string, error) {
	var b bytes.Buffer
	err := format.Node(&b, p.fset, n)
	return b.String(), err
}

// withoutBody returns the head of a function.
func withoutBody(f *ast.FuncDecl) *ast.FuncDecl {
	head := *f
	head.Body, head.Doc = nil, nil
	return &head
}

// sections are what the search knows of a package.
func (p *goPackage) sections(title string) []section {
	list := []section{{Title: title, Level: 1, Text: p.Doc}}
	level := 2
	add := func(name, text string) {
		list = append(list, section{ID: name, Title: p.Name + "." + name, Level: level, Text: text})
	}
	values := func(values []*doc.Value) {
		for _, v := range values {
			for _, name := range v.Names {
				add(name, v.Doc)
			}
		}
	}
	funcs := func(list []*doc.Func, prefix string) {
		for _, f := range list {
			add(prefix+f.Name, f.Doc)
		}
	}
	funcs(p.Funcs, "")
	for _, t := range p.Types {
		level = 2
		add(t.Name, t.Doc+fieldDocs(t.Decl))
		level = 3
		values(t.Consts)
		values(t.Vars)
		funcs(t.Funcs, "")
		funcs(t.Methods, t.Name+".")
	}
	values(p.Consts)
	values(p.Vars)
	return list
}

// fieldDocs returns the names and comments of the members of a type.
func fieldDocs(d *ast.GenDecl) string {
	var b strings.Builder
	ast.Inspect(d, func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok {
			for _, name := range f.Names {
				b.WriteString(" " + name.Name)
			}
			b.WriteString(" " + f.Doc.Text())
		}
		return true
	})
	return b.String()
}
