// Command spa is the API of a single-page application on another origin: the page keeps
// the access token in memory, and the browser the refresh token in a cookie. It has
// accounts with roles, a list of devices, a change of password, and keeps accounts,
// sessions and what is revoked in SQLite.
//
// The lines about authentication end in "// auth".
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
	"runtime"
	"syscall"
	"time"

	"github.com/jwtgate/gate/keys"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "spa:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done, and then lets requests under way finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("spa", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	origin := flags.String("origin", "https://app.example.com", "`origin` of the page")
	file := flags.String("db", "spa.db", "SQLite `file`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	db, err := openDB(ctx, *file)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := keys.Generate(keys.HS256) // auth
	if err != nil {
		return err
	}
	a, err := newAPI(ctx, db, key, *origin, time.Now)
	if err != nil {
		return err
	}
	defer a.store.Close() // auth
	if err := a.users.add(ctx, "admin", "correct horse", true); err != nil && !errors.Is(err, errTaken) {
		return err
	}
	return serve(ctx, *addr, a.handler(*origin), out)
}

func serve(ctx context.Context, addr string, h http.Handler, out io.Writer) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%s, where admin has the password %q\n", ln.Addr(), "correct horse")
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	context.AfterFunc(ctx, func() { done <- srv.Shutdown(context.WithoutCancel(ctx)) })
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}

// openDB opens or creates the database.
func openDB(ctx context.Context, file string) (*sql.DB, error) {
	if err := private(file); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// private makes the file, which holds password hashes, readable by its owner alone, and
// refuses one that others can read.
func private(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("%s holds password hashes and others can read it; write: chmod 600 %[1]s", file)
	}
	return nil
}
