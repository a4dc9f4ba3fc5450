package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestSite renders the repository, and follows all links: they lead to pages and headings
// of the site, and nothing is loaded from a network.
func TestSite(t *testing.T) {
	out := t.TempDir()
	if err := render("../..", out); err != nil {
		t.Fatal(err)
	}
	files := readSite(t, out)
	for _, want := range []string{"index.html", "docs/keys.html", "pkg/index.html", "pkg/session/index.html", "pkg/stores/gateredis/index.html", "src/check.go.html", "assets/site.js"} {
		if _, ok := files[want]; !ok {
			t.Errorf("there is no %s", want)
		}
	}
	for _, fault := range faults(files) {
		t.Error(fault)
	}
	if index := files["assets/index.js"]; !strings.Contains(index, `"pkg/index.html#Gate.Check"`) || !strings.Contains(index, `"docs/keys.html#`) {
		t.Error("the search index lacks declarations or headings")
	}
	if page := files["docs/sessions.html"]; !regexp.MustCompile(`<a href="\.\./pkg/session/index\.html#[A-Z]\w*"><code>`).MatchString(page) {
		t.Error("docs/sessions.html links no Go name to its documentation")
	}
	if page := files["docs/providers.html"]; !strings.Contains(page, "<code>https://HOST/<wbr>realms/<wbr>REALM</code>") {
		t.Error("the lines of docs/providers.html do not break inside of a URL")
	}
	if err := empty(out); err != nil {
		t.Errorf("an earlier site is not replaced: %v", err)
	}
}

// TestFaults: the check of links finds what is planted.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"a good link", `<a href="b.html#here">x</a>`, ""},
		{"another site", `<a href="https://example.com/x">x</a>`, ""},
		{"no such page", `<a href="c.html">x</a>`, "a.html links to c.html, which does not exist"},
		{"no such heading", `<a href="b.html#there">x</a>`, "a.html links to b.html#there, which has no such anchor"},
		{"no such heading here", `<a href="#there">x</a>`, "a.html links to #there, which has no such anchor"},
		{"a script from a network", `<script src="https://example.com/x.js"></script>`, "a.html loads https://example.com/x.js"},
		{"a picture from a network", `<img src="//example.com/x.png">`, "a.html loads //example.com/x.png"},
		{"no such picture", `<img src="x.png">`, "a.html loads x.png, which does not exist"},
		{"above the site", `<a href="../b.html">x</a>`, "a.html links to ../b.html, which does not exist"},
		{"without https", `<a href="http://example.com">x</a>`, "a.html links to http://example.com, which does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := faults(map[string]string{"a.html": tt.body, "b.html": `<h1 id="here">x</h1>`})
			if strings.Join(got, "; ") != tt.want {
				t.Errorf("faults = %q, want %q", got, tt.want)
			}
		})
	}
}

// readSite returns the files of a site by their paths.
func readSite(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// faults returns what is wrong with the links of a site.
func faults(files map[string]string) (list []string) {
	anchors := map[string]map[string]bool{}
	for name, text := range files {
		if path.Ext(name) == ".html" {
			anchors[name] = map[string]bool{}
			elements(text, func(_ string, attr map[string]string) { anchors[name][attr["id"]] = true })
		}
	}
	for name := range anchors {
		elements(files[name], func(tag string, attr map[string]string) {
			link, verb := attr["href"], "links to"
			if tag != "a" {
				link, verb = attr["src"]+attr["href"], "loads"
			}
			if link == "" || tag == "a" && strings.HasPrefix(link, "https://") {
				return
			}
			file, fragment, _ := strings.Cut(link, "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			_, exists := files[to]
			switch {
			case verb == "loads" && (strings.Contains(link, "://") || strings.HasPrefix(link, "//")):
				list = append(list, name+" loads "+link)
			case !exists:
				list = append(list, name+" "+verb+" "+link+", which does not exist")
			case fragment != "" && !anchors[to][fragment]:
				list = append(list, name+" links to "+link+", which has no such anchor")
			}
		})
	}
	return list
}

// elements calls f for each element of a page.
func elements(text string, f func(tag string, attr map[string]string)) {
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attr := map[string]string{}
			for _, a := range token.Attr {
				attr[a.Key] = a.Val
			}
			f(token.Data, attr)
		}
	}
}

// TestNavigation: no page of docs is missing in it.
func TestNavigation(t *testing.T) {
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(names) < 10 {
		t.Fatalf("found %q, which cannot be all: %v", names, err)
	}
	var listed []string
	for _, g := range groups {
		listed = append(listed, g.Pages...)
	}
	for _, name := range names {
		if !slices.Contains(listed, "docs/"+filepath.Base(name)) {
			t.Errorf("groups lacks docs/%s", filepath.Base(name))
		}
	}
}

// TestOtherFolder: a folder with files of somebody else is not emptied.
func TestOtherFolder(t *testing.T) {
	out := t.TempDir()
	kept := filepath.Join(out, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := render("../..", out); err == nil {
		t.Error("rendered over the files of somebody else")
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

// TestDiagram: the picture of a check shows the steps of check.go, in their order.
func TestDiagram(t *testing.T) {
	source, err := os.ReadFile("../../check.go")
	if err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile("../../docs/images/checks.svg")
	if err != nil {
		t.Fatal(err)
	}
	_, steps, _ := strings.Cut(string(source), ") checkSteps(")
	steps, _, _ = strings.Cut(steps, "\n}\n")
	name := regexp.MustCompile(`\bcheck[A-Z]\w+`)
	want := name.FindAllString(steps, -1)
	if got := name.FindAllString(string(picture), -1); len(want) < 8 || !slices.Equal(got, want) {
		t.Errorf("the picture shows %q, the source has %q", got, want)
	}
}
