package gatemem_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// A process that remembers what was revoked in the life before, and, where it cannot,
// takes all older tokens for revoked.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "revoked")

	start := func() *gatemem.Store {
		s, err := gatemem.Load(path, gatemem.Options{})
		if errors.Is(err, fs.ErrNotExist) {
			s, err = gatemem.New(gatemem.Options{Since: time.Now()})
		}
		if err != nil {
			log.Fatal(err)
		}
		return s
	}

	ctx := context.Background()
	first := start()
	now := time.Now().Truncate(time.Second)
	token := &gate.Token{ID: "a", Subject: "alice", IssuedAt: now, Expiry: now.Add(15 * time.Minute)}
	if err := first.RevokeToken(ctx, token, stores.Note{}); err != nil {
		log.Fatal(err)
	}
	if err := first.Save(path); err != nil { // when the process ends, and now and then
		log.Fatal(err)
	}

	fmt.Println(start().Blocked(ctx, token))
	// Output: true <nil>
}
