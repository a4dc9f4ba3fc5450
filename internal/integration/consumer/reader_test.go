//go:build unix

package consumer_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// reader follows one guide, with a shell and the programs that it has started.
type reader struct {
	t        *testing.T
	env      []string
	ports    []string
	home     string
	in       io.Writer
	out      *bufio.Reader
	programs map[string]*program // by command line
	first    *program
	last     func() string // what the last lines printed
	changed  string        // the file that was changed last
}

// program is one that goes on until it is stopped, or ends by itself.
type program struct {
	pid   int
	log   string
	ended chan struct{}
	err   error // when it has ended
}

var port = regexp.MustCompile(`\b(127\.0\.0\.1:|localhost:|port=)(\d+)\b`)

// otherPorts returns a guide with free ports in place of those that it names.
func otherPorts(t *testing.T, page string) (text string, ports []string) {
	t.Helper()
	free := make(map[string]string)
	text = port.ReplaceAllStringFunc(page, func(address string) string {
		host, number := port.FindStringSubmatch(address)[1], port.FindStringSubmatch(address)[2]
		if free[number] == "" {
			free[number] = freePort(t)
		}
		return host + free[number]
	})
	return text, slices.Collect(maps.Values(free))
}

// given are the ports that freePort has returned.
var given sync.Map

// freePort returns a port that nobody listens on. It is below those that systems give to
// connections, and so stays free while a program is compiled.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := fmt.Sprint(30_000 + rand.IntN(2_000))
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// newReader starts the shell, in an empty folder.
func newReader(t *testing.T, env, ports []string) *reader {
	t.Helper()
	home := t.TempDir()
	// In a terminal curl shows no progress.
	write(t, filepath.Join(home, ".curlrc"), "no-progress-meter\n")
	bin := filepath.Join(home, "bin")
	for _, path := range []string{"/usr/bin/python3", "/usr/sbin/nginx"} { // other ones may be in the PATH, or none
		write(t, filepath.Join(bin, filepath.Base(path)), "#!/bin/sh\nexec "+path+` "$@"`+"\n")
		if err := os.Chmod(filepath.Join(bin, filepath.Base(path)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := &reader{t: t, ports: ports, home: home, programs: map[string]*program{}}
	r.env = append(append(os.Environ(), env...), "CURL_HOME="+home, "PS1=", "CDPATH=", "PATH="+bin+":"+os.Getenv("PATH"))
	shell := exec.Command("bash", "--norc")
	shell.Dir, shell.Env = t.TempDir(), r.env
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w := io.Pipe()
	shell.Stdout, shell.Stderr = w, w
	r.in, r.out = in, bufio.NewReader(out)
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range r.programs {
			p.stop()
		}
		in.Close()
		_ = shell.Wait() // its status is that of the last line
	})
	return r
}

// shell types text and returns what it prints, and its status.
func (r *reader) shell(text string) (printed, status string) {
	r.t.Helper()
	const end = "--- end of the lines: "
	fmt.Fprintf(r.in, "%s\necho \"\n%s$?\"\n", strings.TrimRight(text, "\n"), end)
	var all strings.Builder
	for {
		line, err := r.out.ReadString('\n')
		if status, ok := strings.CutPrefix(line, end); ok {
			return strings.TrimSuffix(all.String(), "\n"), strings.TrimSpace(status)
		}
		if all.WriteString(line); err != nil {
			r.t.Fatalf("the shell ended: %v\n%s", err, all.String())
		}
	}
}

// dir is the folder in which the shell is.
func (r *reader) dir() string {
	printed, _ := r.shell("pwd")
	return strings.TrimSpace(printed)
}

var runs = regexp.MustCompile(`^(\w+=\S* )*(go run|python3|nginx) `)

// typed types the lines of a block.
func (r *reader) typed(text string) error {
	lines := strings.TrimRight(text, "\n")
	if runs.MatchString(lines) {
		return r.start(lines)
	}
	printed, status := r.shell(lines)
	r.last = func() string { return printed }
	if status != "0" {
		return fmt.Errorf("%s\nstatus %s, and it prints:\n%s", lines, status, printed)
	}
	return nil
}

// start starts a program, again if it runs, and waits until it accepts connections or has
// ended well.
func (r *reader) start(command string) error {
	if p := r.programs[command]; p != nil {
		p.stop()
	}
	before := r.open()
	log, err := os.Create(filepath.Join(r.t.TempDir(), "log"))
	if err != nil {
		return err
	}
	cmd := exec.Command("bash", "-c", command)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir(), r.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &program{pid: cmd.Process.Pid, log: log.Name(), ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		log.Close()
		close(p.ended)
	}()
	r.programs[command], r.last = p, p.printed
	if r.first == nil {
		r.first = p
	}
	late := time.After(6 * time.Minute)
	for r.open() <= before {
		select {
		case <-p.ended:
			if p.err != nil {
				return fmt.Errorf("%s: %w\n%s", command, p.err, p.printed())
			}
			return nil
		case <-late:
			return fmt.Errorf("%s does not accept connections:\n%s", command, p.printed())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// open returns how many of the guide's ports accept connections.
func (r *reader) open() (n int) {
	for _, port := range r.ports {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			n++
		}
	}
	return n
}

// stop presses Ctrl-C.
func (p *program) stop() {
	_ = syscall.Kill(-p.pid, syscall.SIGINT) // it may have ended
	<-p.ended
}

func (p *program) printed() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// matches compares what the last lines printed with what the guide shows.
func (r *reader) matches(want string) error {
	if r.last == nil {
		return fmt.Errorf("nothing was typed that could print:\n%s", want)
	}
	pattern := shown(want)
	got := strings.TrimSpace(string(bytes.ReplaceAll([]byte(r.last()), []byte("\r"), nil)))
	if !regexp.MustCompile(`(?s)^` + pattern + `$`).MatchString(got) {
		return fmt.Errorf("printed:\n%s\n\nthe guide shows:\n%s", got, want)
	}
	return nil
}

// shown returns the expression for a text of the guide.
func shown(text string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(text)), `\.\.\.`, `.*`)
}

// firstShows waits until the first program has printed a text.
func (r *reader) firstShows(want string) error {
	if r.first == nil {
		return fmt.Errorf("no program was started that could print:\n%s", want)
	}
	pattern := regexp.MustCompile(shown(want))
	for range 100 {
		if pattern.MatchString(r.first.printed()) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("the first program has printed:\n%s\n\nthe guide shows:\n%s", r.first.printed(), want)
}

// finish checks the program that the guide leaves: formatted, and without a finding of vet.
func (r *reader) finish() {
	r.t.Helper()
	dir := r.dir()
	if list := output(r.t, dir, r.env, "gofmt", "-l", "."); list != "" {
		r.t.Errorf("not formatted: %s", list)
	}
	output(r.t, dir, r.env, "go", "vet", "./...")
}
