package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"

	_ "modernc.org/sqlite"
)

const schema = `CREATE TABLE IF NOT EXISTS users (
	name TEXT PRIMARY KEY, salt BLOB NOT NULL, hash BLOB NOT NULL,
	admin INTEGER NOT NULL, disabled INTEGER NOT NULL DEFAULT 0
) STRICT`

var (
	errNoUser   = errors.New("wrong name or password")
	errTaken    = errors.New("the name is taken")
	errBadInput = errors.New("a name, and a password of 12 characters or more")
)

type user struct {
	Name       string `json:"name"`
	Admin      bool   `json:"admin"`
	salt, hash []byte
}

// users is the table of that name.
type users struct{ db *sql.DB }

// find returns a user who is not disabled.
func (u users) find(ctx context.Context, name string) (*user, error) {
	found := user{Name: name}
	row := u.db.QueryRowContext(ctx, "SELECT salt, hash, admin FROM users WHERE name = ? AND disabled = 0", name)
	err := row.Scan(&found.salt, &found.hash, &found.Admin)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoUser
	}
	return &found, err
}

// authenticate takes as long for a name that nobody has.
func (u users) authenticate(ctx context.Context, name, password string) (*user, error) {
	found, err := u.find(ctx, name)
	if err != nil && !errors.Is(err, errNoUser) {
		return nil, err
	}
	if found == nil {
		found = &user{salt: make([]byte, 16), hash: make([]byte, 32)}
	}
	if subtle.ConstantTimeCompare(derive(password, found.salt), found.hash) != 1 || err != nil {
		return nil, errNoUser
	}
	return found, nil
}

func (u users) add(ctx context.Context, name, password string, admin bool) error {
	if name == "" || len(password) < 12 {
		return errBadInput
	}
	salt, hash := newHash(password)
	res, err := u.db.ExecContext(ctx, "INSERT INTO users (name, salt, hash, admin) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", name, salt, hash, admin)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errTaken
}

func (u users) setPassword(ctx context.Context, name, password string) error {
	if len(password) < 12 {
		return errBadInput
	}
	salt, hash := newHash(password)
	_, err := u.db.ExecContext(ctx, "UPDATE users SET salt = ?, hash = ? WHERE name = ?", salt, hash, name)
	return err
}

func (u users) disable(ctx context.Context, name string) error {
	_, err := u.db.ExecContext(ctx, "UPDATE users SET disabled = 1 WHERE name = ?", name)
	return err
}

func newHash(password string) (salt, hash []byte) {
	salt = make([]byte, 16)
	rand.Read(salt) // never fails
	return salt, derive(password, salt)
}

func derive(password string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha256.New, password, salt, 600_000, 32)
	if err != nil {
		panic(err) // only for parameters that FIPS 140 refuses
	}
	return key
}
