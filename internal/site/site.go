package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed assets
var assets embed.FS

// A group is a part of the navigation.
type group struct {
	Title string
	Pages []string // in the repository: Markdown files, or "go" for all Go packages
}

// groups is the navigation. Every page of docs is in it.
var groups = []group{
	{"Start", []string{"README.md", "docs/index.md"}},
	{"Guides", []string{"docs/spa.md", "docs/pages.md", "docs/sessions.md", "docs/providers.md", "docs/services.md", "docs/keys.md", "docs/frameworks.md", "docs/gin.md", "docs/echo.md", "docs/fiber.md", "docs/chi.md", "docs/grpc.md", "docs/connect.md", "docs/from-flask.md", "docs/testing.md", "docs/production.md"}},
	{"Topics", []string{"docs/browser.md", "docs/revocation.md", "docs/generations.md", "docs/security.md"}},
	{"Reference", []string{"docs/errors.md", "docs/flask-differences.md", "docs/runbook.md", "docs/performance.md", "docs/architecture.md"}},
	{"Go packages", []string{"go"}},
	{"Project", []string{"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/releasing.md"}},
}

// A page is one HTML file of the site.
type page struct {
	Title    string
	Out      string // its file, from the site's folder
	Body     template.HTML
	Sections []section // for the list of contents and for the search
	source   string    // the file that it was made from, from the repository's folder; "" for an index
}

// Contents are the sections that the list of contents shows.
func (p *page) Contents() (list []section) {
	for _, sec := range p.Sections {
		if sec.Level == 2 && sec.ID != "" {
			list = append(list, sec)
		}
	}
	return list
}

// A section is a heading and the text below it.
type section struct {
	ID    string
	Title string
	Level int
	Text  string
}

// site is one run: what was read, and the pages made from it.
type site struct {
	root     string
	packages map[string]*goPackage // by their folders, "." for the root
	pages    []*page
	queued   []string        // sources that pages link to, to be rendered
	seen     map[string]bool // what is queued, or was copied
	out      string
}

// render reads the repository in root and writes the site to out.
func render(root, out string) error {
	if err := empty(out); err != nil {
		return err
	}
	packages, err := readPackages(root)
	if err != nil {
		return err
	}
	s := &site{root: root, out: out, packages: packages, seen: map[string]bool{}}
	for _, g := range groups {
		for _, name := range g.Pages {
			if name == "go" {
				continue
			}
			if err := s.addMarkdown(name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, dir := range s.packageDirs() {
		if err := s.addPackage(dir); err != nil {
			return fmt.Errorf("package %s: %w", dir, err)
		}
	}
	for len(s.queued) > 0 {
		name := s.queued[0]
		s.queued = s.queued[1:]
		if err := s.addSource(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return s.write()
}

// mark is a file that says that a folder was made by this program.
const mark = ".site"

// empty empties the folder, which must be one of this program, or empty, or not there.
func empty(out string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(out, mark)); err != nil && len(entries) > 0 {
		return fmt.Errorf("%s holds other files; choose an empty folder, or one that this program wrote", out)
	}
	return os.RemoveAll(out)
}

// write writes all pages, the search index and the assets.
func (s *site) write() error {
	layout, err := template.New("layout.html").Funcs(template.FuncMap{"rel": rel}).ParseFS(assets, "assets/layout.html")
	if err != nil {
		return err
	}
	for _, p := range s.pages {
		var b bytes.Buffer
		data := struct {
			*page
			Nav []navGroup
		}{p, s.navigation(p)}
		if err := layout.Execute(&b, data); err != nil {
			return fmt.Errorf("%s: %w", p.Out, err)
		}
		if err := s.save(p.Out, b.Bytes()); err != nil {
			return err
		}
	}
	index, err := searchIndex(s.pages)
	if err != nil {
		return err
	}
	style, err := stylesheet()
	if err != nil {
		return err
	}
	script, err := assets.ReadFile("assets/site.js")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"assets/index.js": index, "assets/style.css": style, "assets/site.js": script, mark: nil} {
		if err := s.save(name, content); err != nil {
			return err
		}
	}
	return nil
}

// save writes one file of the site.
func (s *site) save(name string, content []byte) error {
	name = filepath.Join(s.out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}

// read returns a file of the repository.
func (s *site) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.root, filepath.FromSlash(name)))
}

type navGroup struct {
	Title string
	Links []navLink
	Open  bool // holds the page that is shown
}

type navLink struct {
	Title, Out string
	Current    bool
}

// navigation returns the groups with the titles of their pages.
func (s *site) navigation(current *page) []navGroup {
	var nav []navGroup
	for _, g := range groups {
		n := navGroup{Title: g.Title}
		for _, p := range s.pages {
			if g.Pages[0] == "go" && strings.HasPrefix(p.Out, "pkg/") || slices.Contains(g.Pages, p.source) {
				n.Links = append(n.Links, navLink{p.Title, p.Out, p == current})
				n.Open = n.Open || p == current
			}
		}
		nav = append(nav, n)
	}
	return nav
}

// rel returns the link from one file of the site to another.
func rel(from, to string) string {
	to, fragment, found := strings.Cut(to, "#")
	link := ""
	if to != from {
		up := strings.Repeat("../", strings.Count(from, "/"))
		link = path.Clean(up + to)
	}
	if found {
		link += "#" + fragment
	}
	return link
}
