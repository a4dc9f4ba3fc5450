package keyfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/keyfile"
)

func Example() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "keys.json")
	o := keyfile.Options{Lifetime: 30 * 24 * time.Hour}

	// Once: a file with a first key.
	if _, err := keyfile.Create(path, keys.ES256, o); err != nil {
		panic(err)
	}
	// At each start of the service; file.Ring() is for gate.Config.Keys.
	file, err := keyfile.Open(path, o)
	if err != nil {
		panic(err)
	}
	// Once a month: the next key, which signs in an hour.
	if err := file.Rotate(keys.ES256, time.Now().Add(time.Hour)); err != nil {
		panic(err)
	}
	for _, s := range file.Ring().Status() {
		fmt.Println(s.Key.Algorithm(), s.Phase)
	}
	// Output:
	// ES256 active
	// ES256 pending
}
