//go:build unix

package consumer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The guides that the README links first are followed from an empty folder outside of the
// repository. Nothing is typed that the guide does not show:
//
//	Save this as `main.go`     the next block is written to that file
//	Change `main.go`           the next blocks are diffs of it: lines with + and -, and around them
//	a block of sh              its lines are typed, in one shell for the whole page
//	a block of text            what the lines before it print; ... is any text
//	The first terminal shows   the next block is a part of what the first program has printed
//
// A line that begins with "go run", "python3" or "nginx", with variables before it, starts a
// program that goes on; the same line ends it and starts it again. The only change is of ports: those that a
// guide names may be in use here.

// step is a block of a guide, with the prose between it and the block before.
type step struct {
	line         int
	lang, before string
	text         string
}

var (
	fenceLine = regexp.MustCompile("^```(\\S*)$")
	saveAs    = regexp.MustCompile("(?i)save this as\\s+`([^`]+)`")
	change    = regexp.MustCompile("(?i)change\\s+`([^`]+)`")
	firstShow = regexp.MustCompile(`(?i)the first terminal shows`)
	fromLine  = regexp.MustCompile(`^<!-- from (.*) -->$`)
)

// stepsOf returns the blocks of a guide.
func stepsOf(page string) (steps []step) {
	var before, text []string
	var now *step
	for i, line := range strings.Split(page, "\n") {
		m := fenceLine.FindStringSubmatch(line)
		switch {
		case m != nil && now == nil:
			now = &step{line: i + 1, lang: m[1], before: strings.Join(before, "\n")}
			before, text = nil, nil
		case m != nil:
			now.text = strings.Join(text, "\n") + "\n"
			steps, now = append(steps, *now), nil
		case now != nil:
			text = append(text, line)
		default:
			before = append(before, line)
		}
	}
	return steps
}

// needed is what a guide needs beside Go and curl, and where Debian has it.
var needed = map[string][]string{
	"docs/from-flask.md": {"/usr/bin/python3", "/usr/sbin/nginx", "/usr/lib/python3/dist-packages/flask_jwt_extended/__init__.py"},
}

// need skips the test if a file or a program in the PATH is missing, or fails it where all
// should be there.
func need(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := os.Stat(name)
		if !strings.Contains(name, "/") {
			_, err = exec.LookPath(name)
		}
		if err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// guides returns the pages that are followed.
func guides(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(repository, "docs/testdata/guides.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(list))
}

func TestGuides(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	need(t, "curl")
	tree, dirs := released(t)
	env := append(environment(t, proxy(t, tree, dirs)), "GOFLAGS=-modcacherw -trimpath") // as in a shell: go.mod is not completed
	for _, name := range guides(t) {
		t.Run(name, func(t *testing.T) {
			need(t, needed[name]...)
			t.Parallel() // much of the time is spent in waiting
			page, err := os.ReadFile(filepath.Join(repository, name))
			if err != nil {
				t.Fatal(err)
			}
			text, ports := otherPorts(t, string(page))
			r := newReader(t, env, ports)
			for _, s := range stepsOf(text) {
				if err := r.follow(s); err != nil {
					t.Fatalf("%s:%d: %v", name, s.line, err)
				}
			}
			r.finish()
		})
	}
}

// follow does what a block says.
func (r *reader) follow(s step) error {
	save, edit := saveAs.FindStringSubmatch(s.before), change.FindStringSubmatch(s.before)
	switch {
	case save != nil:
		name := filepath.Join(r.dir(), save[1])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, []byte(s.text), 0o644)
	case s.onlyShown():
		return nil
	case s.lang == "diff" && (edit != nil || r.changed != ""):
		if edit != nil {
			r.changed = edit[1]
		}
		return patch(filepath.Join(r.dir(), r.changed), s.text)
	case s.lang == "sh":
		return r.typed(s.text)
	case s.lang == "text" && firstShow.MatchString(s.before):
		return r.firstShows(s.text)
	case s.lang == "text":
		return r.matches(s.text)
	}
	return fmt.Errorf("nothing says what to do with this block:\n%s", s.text)
}

// onlyShown reports whether a block is held to its source by the test in docs. Lines that
// guides share are in docs/testdata, and are typed.
func (s step) onlyShown() bool {
	from := fromLine.FindStringSubmatch(lastLine(s.before))
	return from != nil && !strings.HasPrefix(from[1], "docs/testdata/")
}

func lastLine(s string) string { return s[strings.LastIndex(s, "\n")+1:] }

// patch changes a file as a diff says: the lines without + are there once, and are
// replaced by those without -.
func patch(name, diff string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var old, new strings.Builder
	for line := range strings.Lines(diff) {
		mark, rest := line[:1], line[1:]
		if line == "\n" {
			mark, rest = " ", "\n"
		}
		if mark != "+" {
			old.WriteString(rest)
		}
		if mark != "-" {
			new.WriteString(rest)
		}
	}
	if n := strings.Count(string(content), old.String()); n != 1 {
		return fmt.Errorf("%s has these lines %d times:\n%s", filepath.Base(name), n, old.String())
	}
	return os.WriteFile(name, []byte(strings.Replace(string(content), old.String(), new.String(), 1)), 0o644)
}
