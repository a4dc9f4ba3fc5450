package main

import (
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// fetch gets a path, and returns the answer with its body.
func (d *demo) fetch(path string) (*http.Response, string) {
	d.t.Helper()
	res, err := http.Get(d.url + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res, string(text)
}

// The page and its files are served with a policy that lets nothing else in.
func TestPageFiles(t *testing.T) {
	d := start(t)
	res, page := d.fetch("/")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("GET / = %d, %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'",
		"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "frame-src 'self' http://127.0.0.1:",
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("the policy %q allows too much", policy)
	}
	for _, link := range regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		res, text := d.fetch(link[1])
		if res.StatusCode != 200 || text == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s = %d, %d bytes, header %v", link[1], res.StatusCode, len(text), res.Header)
		}
	}
	if res, _ := d.fetch("/gate.js"); !strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("GET /gate.js is of type %q", res.Header.Get("Content-Type"))
	}
	if res, _ := d.fetch("/page/index.html"); res.StatusCode != 404 {
		t.Errorf("the template itself is served: %d", res.StatusCode)
	}
}

// The policy refuses what is inline, so the page has none of it.
func TestPageHasNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:\s+type="module")?>|\sstyle=|\son[a-z]+=|<style|javascript:|https?://`)
	page, err := renderPage("1")
	if err != nil {
		t.Fatal(err)
	}
	html := regexp.MustCompile(`(?s)<pre.*?</pre>`).ReplaceAllString(string(page), "") // code may hold anything
	if found := inline.FindString(html); found != "" {
		t.Errorf("the page has %q", found)
	}
	if forms, post := strings.Count(html, "<form"), strings.Count(html, `method="post"`); forms != post || forms == 0 {
		t.Errorf("%d of %d forms say POST; without the script the others would write a password into the URL", post, forms)
	}
}

// The scripts ask for elements by their identifiers, and import names: all must exist.
func TestScriptsFitThePage(t *testing.T) {
	page, err := web.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(string(page), -1) {
		if has[m[1]] {
			t.Errorf("the page has two elements %q", m[1])
		}
		has[m[1]] = true
	}
	script, err := web.ReadFile("page/app.js")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`\$\("([^"]+)"\)`).FindAllStringSubmatch(string(script), -1)
	if len(asked) < 30 {
		t.Fatalf("only %d elements are asked for", len(asked))
	}
	for _, m := range asked {
		if !has[m[1]] {
			t.Errorf("app.js asks for the element %q, which the page lacks", m[1])
		}
	}
	attacks, err := web.ReadFile("page/attacks.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`data-attack="([^"]+)"`).FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(string(attacks), "function "+m[1]+"(") {
			t.Errorf("no function makes the attack %q", m[1])
		}
	}
}

// Each panel shows the lines that do its work, as they are in the source.
func TestPanelsShowTheirSource(t *testing.T) {
	page, err := web.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(page), "<section ")[1:]
	if len(sections) != 10 {
		t.Errorf("the page has %d panels, want 10", len(sections))
	}
	for _, s := range sections {
		if !strings.Contains(s, `{{template "go"`) {
			id, _, _ := strings.Cut(s, " aria")
			t.Errorf("the panel %s shows no lines of Go", id)
		}
	}
	code, err := goCode("mustAdmin", "logIn")
	if err != nil || !strings.HasPrefix(code, "// mustAdmin asks") || !strings.Contains(code, "}\n\n// logIn answers") || !strings.HasSuffix(code, "}") {
		t.Errorf("goCode = %q, %v", code, err)
	}
	script, err := jsCode("inHeader")
	if err != nil || !strings.HasPrefix(script, "// Header") || !strings.HasSuffix(script, "\n}") {
		t.Errorf("jsCode = %q, %v", script, err)
	}
	for _, find := range []func(...string) (string, error){goCode, jsCode} {
		if code, err := find("renamedSince"); err == nil {
			t.Errorf("a function that the source lacks gives %q, want an error", code)
		}
	}
	if err := addFuncs(map[string]string{"logIn": "func logIn"}, "x.go", []byte("package p\nfunc logIn() {}")); err == nil {
		t.Error("two functions of one name: no error")
	}
}

// What newcomers read is short.
func TestFunctionsAreShort(t *testing.T) {
	files, err := fs.ReadDir(source, ".")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range files {
		text, err := source.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := addFuncs(found, f.Name(), text); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range found {
		if lines := strings.Count(text, "\n") + 1; lines > 45 {
			t.Errorf("%s has %d lines with its comment", name, lines)
		}
	}
}
