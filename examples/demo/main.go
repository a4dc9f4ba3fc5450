// Command demo is a small service that uses gate. It keeps accounts and sessions in
// SQLite. Its page shows each feature in the browser, beside the lines that do it. The
// command prints the address of the page, and the curl commands for the same routes.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jwtgate/gate/session"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	addr, db, secret string
	open             bool
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	flags.StringVar(&o.db, "db", "", "SQLite `file` to keep; default: a temporary one, removed at the end")
	flags.StringVar(&o.secret, "secret-file", "", "`file` with a secret of 32 bytes or more; default: a random one for each run")
	flags.BoolVar(&o.open, "open", false, "open the page in a browser")
	return o, flags.Parse(args)
}

// run serves until ctx is done, and then lets requests under way finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ring, err := loadRing(o.secret)
	if err != nil {
		return err
	}
	db, cleanup, err := openFile(ctx, o.db)
	if err != nil {
		return err
	}
	defer cleanup()
	s, err := newService(ctx, db, ring)
	if err != nil {
		return err
	}
	defer s.store.Close()
	return listen(ctx, o, s, out)
}

// listen serves the service with its page, and the page of an attacker on another port.
func listen(ctx context.Context, o options, s *service, out io.Writer) error {
	ln, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("%w\nTo listen on a free port: go run ./examples/demo -addr 127.0.0.1:0", err)
	}
	evil, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	main, attacker, err := s.sites(port(ln), port(evil))
	if err != nil {
		return err
	}
	url := "http://" + ln.Addr().String()
	fmt.Fprint(out, guide(url))
	if o.open {
		openBrowser(url, out)
	}
	go serve(ctx, evil, attacker)
	err = serve(ctx, ln, main)
	fmt.Fprintln(out, "stopped")
	return err
}

// sites returns the service with its page, and the attacker's page.
func (s *service) sites(port, evilPort string) (main, attacker http.Handler, err error) {
	page, err := pageHandler(evilPort)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.routes())
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /page/", page)
	mux.Handle("GET /gate.js", session.Script())
	mux.HandleFunc("GET /events", s.journal.events)
	attacker, err = evilHandler(port)
	return mux, attacker, err
}

func port(ln net.Listener) string {
	_, port, _ := net.SplitHostPort(ln.Addr().String()) // net wrote it
	return port
}

// openFile opens the database. cleanup closes it, and removes it if it is temporary.
func openFile(ctx context.Context, file string) (db *sql.DB, cleanup func(), err error) {
	dir := ""
	if file == "" {
		if dir, err = os.MkdirTemp("", "gate-demo-"); err != nil {
			return nil, nil, err
		}
		file = filepath.Join(dir, "demo.db")
	}
	db, err = openDB(ctx, file)
	cleanup = func() {
		if db != nil {
			db.Close()
		}
		if dir != "" {
			os.RemoveAll(dir)
		}
	}
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	return db, cleanup, nil
}

// serve answers requests until ctx is done.
func serve(ctx context.Context, ln net.Listener, handler http.Handler) error {
	srv := &http.Server{
		Handler:           http.TimeoutHandler(handler, 8*time.Second, `{"msg":"The service is busy; try again"}`),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return srv.Shutdown(deadline)
}
