// Command pages is a site of HTML pages and forms, without a script: people log in, stay
// logged in if they want to, write notes, upload pictures, see where they are logged in,
// and log out.
//
// The lines about authentication end in "// auth".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jwtgate/gate/keys"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done, and then lets requests under way finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("pages", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	insecure := flags.Bool("insecure-cookies", false, "send cookies over plain HTTP, for development")
	if err := flags.Parse(args); err != nil {
		return err
	}
	key, err := keys.Generate(keys.HS256) // auth
	if err != nil {
		return err
	}
	s, err := newSite(key, *insecure, time.Now)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%s, where alice has the password %q\n", ln.Addr(), "correct horse")
	srv := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	context.AfterFunc(ctx, func() { done <- srv.Shutdown(context.WithoutCancel(ctx)) })
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}
