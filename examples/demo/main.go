// Command demo is a small service behind gate: sign up, log in, be refused. It
// keeps accounts and sessions in SQLite, and prints the curl commands that
// show each of its routes.
package main

import (
	"bytes"
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

	"github.com/jwtgate/gate/keys"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done, and then lets requests under way finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	dbFile := flags.String("db", "", "SQLite `file` to keep; default: a temporary one, removed at the end")
	secretFile := flags.String("secret-file", "", "`file` with a secret of 32 bytes or more; default: a random one for each run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	key, err := loadKey(*secretFile)
	if err != nil {
		return err
	}
	db, cleanup, err := openFile(ctx, *dbFile)
	if err != nil {
		return err
	}
	defer cleanup()
	s, err := newService(ctx, db, key)
	if err != nil {
		return err
	}
	defer s.store.Close()
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprint(out, guide("http://"+ln.Addr().String()))
	err = serve(ctx, ln, s.routes())
	fmt.Fprintln(out, "stopped")
	return err
}

// loadKey reads the secret, or makes one up.
func loadKey(file string) (*keys.Key, error) {
	if file == "" {
		return keys.Generate(keys.HS256)
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return keys.HMAC(keys.HS256, bytes.TrimRight(secret, "\r\n"))
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
