package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"
	"github.com/jwtgate/gate/keys"
)

// stored is a key with what its file says about it.
type stored struct {
	key  *keys.Key
	from time.Time // when the key signs; zero if the file does not say
	text []byte    // the private JWK, or the PEM text
	file string    // the name in a directory
}

func (s stored) same(o stored) bool {
	return bytes.Equal(s.text, o.text) && s.from.Equal(o.from) && s.key.ID() == o.key.ID()
}

// is reports whether k, from a ring, is the same key.
func (s stored) is(k *keys.Key) bool {
	return k.Algorithm() == s.key.Algorithm() && (k.ID() == s.key.ID() || k.ID() == s.key.Thumbprint())
}

func ringKeys(all []stored) []keys.RingKey {
	var list []keys.RingKey
	for _, s := range all {
		list = append(list, keys.RingKey{Key: s.key, From: s.from})
	}
	return list
}

// maxBytes is the largest size of a file.
const maxBytes = 1 << 20

var errNoKeys = fmt.Errorf("there are no keys; make some with keyfile.Create: %w", fs.ErrNotExist)

// read returns the keys at the path. It returns errNoKeys if there are none.
func (f *File) read() ([]stored, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("keys/keyfile: %s: %w", f.path, errNoKeys)
	case err != nil:
		return nil, fmt.Errorf("keys/keyfile: %w", err)
	case info.IsDir():
		return f.readDir()
	}
	return f.readFile(f.path)
}

// readDir returns the keys in a directory. If a file is gone since it was listed, another
// process has removed its key, and the directory is read again.
func (f *File) readDir() (all []stored, err error) {
	const most = 5
	for range most {
		if all, err = f.readFiles(); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return all, err
}

func (f *File) readFiles() ([]stored, error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, fmt.Errorf("keys/keyfile: %w", err)
	}
	var all []stored
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || filepath.Ext(name) != ".json" && filepath.Ext(name) != ".pem" {
			continue
		}
		found, err := f.readFile(filepath.Join(f.path, name))
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			s.file = name
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("keys/keyfile: %s: %w", f.path, errNoKeys)
	}
	return all, nil
}

// readFile reads one file. It returns an error if others can read its secrets.
func (f *File) readFile(path string) ([]stored, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("keys/keyfile: %w", err)
	}
	if info.Size() > maxBytes {
		return nil, fmt.Errorf("keys/keyfile: %s is longer than 1 MiB", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("keys/keyfile: %w", err)
	}
	all, err := f.parse(filepath.Base(path), text)
	if err != nil {
		return nil, fmt.Errorf("keys/keyfile: %s: %w", path, err)
	}
	signs := func(s stored) bool { return s.key.CanSign() }
	if slices.ContainsFunc(all, signs) && exposed(info.Mode(), ownerOf(info), os.Geteuid()) {
		return nil, fmt.Errorf("keys/keyfile: %s holds a private key or secret, and its mode %#o lets others at it; run: chmod 600 %[1]s"+
			" (for a file of root that this process reads by its group: chmod 640)", path, info.Mode().Perm())
	}
	return all, nil
}

// exposed reports whether others than the owner and root can read or change a file. The
// group may read a file of root: its user has no other way to it, as in a volume of
// Kubernetes with fsGroup. The numbers are -1 where a system has none.
func exposed(mode fs.FileMode, owner, user int) bool {
	if owner < 0 || user < 0 {
		return false
	}
	allowed := fs.FileMode(0o700)
	if owner == 0 && user != 0 {
		allowed = 0o740
	}
	return mode.Perm()&^allowed != 0
}

// parse reads the keys in a text. All of them must be usable, unlike in a fetched set.
func (f *File) parse(name string, text []byte) ([]stored, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return f.parsePEM(name, text)
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("text is no JWK Set in strict JSON")
	}
	if set.Keys == nil {
		set.Keys = []jsontext.Value{text}
	}
	var all []stored
	for i, text := range set.Keys {
		s, err := f.parseJWK(text)
		if err != nil {
			return nil, fmt.Errorf("key %d, counted from 0: %w", i, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (f *File) parseJWK(text []byte) (stored, error) {
	var more struct {
		From *int64 `json:"nbf"`
		Alg  string `json:"alg"`
	}
	if err := json.Unmarshal(text, &more); err != nil {
		return stored{}, errors.New(`"nbf" must be whole seconds since 1970`)
	}
	alg := f.o.Algorithm
	if more.Alg != "" {
		alg = ""
	}
	k, err := keys.ParseJWK(alg, text)
	if err != nil {
		return stored{}, err
	}
	s := stored{key: k, text: bytes.TrimSpace(text)}
	if more.From != nil {
		s.from = time.Unix(*more.From, 0)
	}
	return s, nil
}

// nameTime is the format of the time at the beginning of a PEM file's name.
const nameTime = "20060102T150405Z"

func (f *File) parsePEM(name string, text []byte) ([]stored, error) {
	if f.o.Algorithm == "" {
		return nil, errors.New("a key in PEM does not name its algorithm; set Options.Algorithm")
	}
	k, err := keys.FromPEM(f.o.Algorithm, text)
	if err != nil {
		return nil, err
	}
	id := strings.TrimSuffix(name, ".pem")
	s := stored{key: k.WithID(id), text: text}
	if len(id) >= len(nameTime) {
		if from, err := time.Parse(nameTime, id[:len(nameTime)]); err == nil {
			s.from = from
		}
	}
	return []stored{s}, nil
}
