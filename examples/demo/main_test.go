package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the built demo.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gate-demo-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "demo")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic("go build: " + err.Error() + "\n" + string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// demo is a running demo.
type demo struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	guide string
	rest  *bufio.Reader // of its output, behind the guide
	temp  string        // where it keeps temporary files
	ended bool
}

// start runs the demo on a free port, and stops it when the test ends.
func start(t *testing.T, args ...string) *demo {
	t.Helper()
	d := &demo{t: t, cmd: exec.Command(binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...), temp: t.TempDir()}
	d.cmd.Env = append(os.Environ(), "TMPDIR="+d.temp)
	d.cmd.Stderr = t.Output()
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !d.ended {
			d.cmd.Process.Kill()
			d.cmd.Wait()
		}
	})
	d.rest = bufio.NewReader(out)
	for !strings.HasSuffix(d.guide, "/auth/refresh -H \"Authorization: Bearer $REFRESH\"\n") {
		line, err := d.rest.ReadString('\n')
		if err != nil {
			t.Fatalf("reading what the demo prints: %v; so far:\n%s", err, d.guide)
		}
		d.guide += line
	}
	_, after, _ := strings.Cut(d.guide, "Open ")
	d.url, _, _ = strings.Cut(after, " ")
	return d
}

// stop interrupts the demo, and returns what it printed on its way out.
func (d *demo) stop() (printed string, err error) {
	d.t.Helper()
	d.ended = true
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		d.t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { d.cmd.Process.Kill() })
	defer kill.Stop()
	text, _ := io.ReadAll(d.rest)
	return string(text), d.cmd.Wait()
}

// call is one request. The zero contentType is JSON where there is a body.
type call struct {
	method, path, token, body, contentType, csrf string
}

// do sends c and returns status and body.
func (d *demo) do(client *http.Client, c call) (int, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), c.method, d.url+c.path, strings.NewReader(c.body))
	if err != nil {
		d.t.Fatal(err)
	}
	if c.contentType == "" && c.body != "" {
		c.contentType = "application/json"
	}
	for name, value := range map[string]string{"Content-Type": c.contentType, "X-CSRF-TOKEN": c.csrf} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// browser is a client that keeps cookies.
func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// cookie returns the value of a cookie that the demo has set.
func (d *demo) cookie(client *http.Client, name string) string {
	u, err := url.Parse(d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func TestInterruptStops(t *testing.T) {
	d := start(t)
	if status, body := d.do(http.DefaultClient, call{method: "GET", path: "/hello"}); status != 200 {
		t.Fatalf("GET /hello = %d %s, want 200", status, body)
	}
	if files, _ := os.ReadDir(d.temp); len(files) != 1 {
		t.Errorf("the running demo has %d temporary entries, want its database folder", len(files))
	}
	printed, err := d.stop()
	if err != nil {
		t.Errorf("after SIGINT: %v, want exit code 0", err)
	}
	if !strings.HasSuffix(printed, "stopped\n") {
		t.Errorf("after SIGINT it printed %q, want it to end with stopped", printed)
	}
	if files, _ := os.ReadDir(d.temp); len(files) != 0 {
		t.Errorf("the stopped demo left %d temporary entries", len(files))
	}
}

func TestRefusesToStart(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("too short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	readable := filepath.Join(t.TempDir(), "readable.db")
	if err := os.WriteFile(readable, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"database that others can read", []string{"-db", readable}, "chmod 600"},
		{"short secret", []string{"-secret-file", short}, "HS256"},
		{"no secret file", []string{"-secret-file", short + "-absent"}, "no such file"},
		{"bad address", []string{"-addr", "127.0.0.1:notaport"}, "notaport"},
		{"bad database", []string{"-db", filepath.Join(short, "x.db")}, "demo:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := exec.Command(binary, tt.args...).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), tt.want) {
				t.Errorf("demo %v: %v, %s; want exit code 1 and %q", tt.args, err, out, tt.want)
			}
		})
	}
}

// The database and what SQLite puts beside it are the owner's alone.
func TestDatabaseIsPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo.db")
	db, cleanup, err := openFile(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer cleanup()
	if _, err := (accounts{db}).byName(t.Context(), "nobody"); !errors.Is(err, errNoAccount) {
		t.Fatal(err)
	}
	files, err := filepath.Glob(file + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v; want the database and its log", files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", filepath.Base(name), info.Mode(), err)
		}
	}
}
