package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"time"

	_ "modernc.org/sqlite"
)

const schema = `
CREATE TABLE IF NOT EXISTS accounts (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE COLLATE NOCASE,
	password TEXT NOT NULL,
	created  INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS admins (account INTEGER PRIMARY KEY) STRICT;
`

// openDB opens or creates the database in file.
func openDB(ctx context.Context, file string) (*sql.DB, error) {
	if err := private(file); err != nil {
		return nil, err
	}
	settings := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(file), RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
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

// An account is somebody who signed up.
type account struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Created  time.Time `json:"created"`
	Admin    bool      `json:"admin"`
	password string    // as hashPassword wrote it
}

var (
	errTaken     = errors.New("the name is taken")
	errNoAccount = errors.New("no such account")
)

// accounts is the table of that name.
type accounts struct{ db *sql.DB }

// add creates an account. It returns errTaken where the name is somebody else's.
func (a accounts) add(ctx context.Context, name, password string) error {
	res, err := a.db.ExecContext(ctx,
		"INSERT INTO accounts (name, password, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		name, password, time.Now().Unix())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errTaken
}

const find = "SELECT id, name, password, created, EXISTS (SELECT 1 FROM admins WHERE account = id) FROM accounts WHERE "

func (a accounts) byName(ctx context.Context, name string) (*account, error) {
	return a.one(a.db.QueryRowContext(ctx, find+"name = ?", name))
}

func (a accounts) byID(ctx context.Context, id int64) (*account, error) {
	return a.one(a.db.QueryRowContext(ctx, find+"id = ?", id))
}

func (accounts) one(row *sql.Row) (*account, error) {
	var a account
	var created int64
	err := row.Scan(&a.ID, &a.Name, &a.password, &created, &a.Admin)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoAccount
	}
	a.Created = time.Unix(created, 0).UTC()
	return &a, err
}

func (a accounts) setPassword(ctx context.Context, id int64, password string) error {
	_, err := a.db.ExecContext(ctx, "UPDATE accounts SET password = ? WHERE id = ?", password, id)
	return err
}

func (a accounts) setAdmin(ctx context.Context, id int64, admin bool) error {
	change := "DELETE FROM admins WHERE account = ?"
	if admin {
		change = "INSERT INTO admins (account) VALUES (?) ON CONFLICT DO NOTHING"
	}
	_, err := a.db.ExecContext(ctx, change, id)
	return err
}
