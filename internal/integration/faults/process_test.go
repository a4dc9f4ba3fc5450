//go:build unix

package faults_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// roles are what this program can be other than a test, by the variable of the environment
// that asks for it. Its value says more.
var roles = map[string]func(spec string) error{
	"FROZEN_WRITER": writeUntilKilled,
	"KILLED_NODE":   serveUntilKilled,
}

// A helper is a process of this program in a role, which serves on an address.
type helper struct {
	cmd  *exec.Cmd
	addr string
	in   io.WriteCloser // the process ends when it is closed
}

func startHelper(t *testing.T, role, spec string) *helper {
	t.Helper()
	p := &helper{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), role+"="+spec)
	p.in = must(p.cmd.StdinPipe())
	out := must(p.cmd.StdoutPipe())
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	p.addr = strings.TrimSpace(line)
	if _, _, split := net.SplitHostPort(p.addr); err != nil || split != nil {
		t.Fatalf("the process says %q, %v", line, err)
	}
	return p
}

// serveHelper serves in a process that startHelper has started, until the test ends.
func serveHelper(h http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	fmt.Println(listener.Addr())
	return http.Serve(listener, h)
}
