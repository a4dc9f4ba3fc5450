package keyfile

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"
	"github.com/jwtgate/gate/keys"
)

// save writes the keys in keep and removes those in drop.
func (f *File) save(keep, drop []stored) error {
	info, err := os.Stat(f.path)
	if err == nil && info.IsDir() {
		err = f.saveDir(keep, drop)
	} else {
		err = f.saveFile(keep)
	}
	if err != nil {
		return fmt.Errorf("keys/keyfile: saving %s: %w", f.path, err)
	}
	return nil
}

func (f *File) saveFile(all []stored) error {
	path, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		path = f.path // the file does not exist yet
	}
	var list []jsontext.Value
	for _, s := range all {
		text, err := s.jwk()
		if err != nil {
			return err
		}
		list = append(list, text)
	}
	text, err := json.Marshal(map[string][]jsontext.Value{"keys": list})
	if err != nil {
		return err
	}
	return writeFile(path, append(text, '\n'), path)
}

// saveDir writes the new keys, and then removes the files without a key to keep.
func (f *File) saveDir(keep, drop []stored) error {
	like := ""
	for _, s := range append(keep[:len(keep):len(keep)], drop...) {
		if s.file != "" {
			like = filepath.Join(f.path, s.file)
		}
	}
	for _, s := range keep {
		if s.file != "" {
			continue
		}
		text, err := s.jwk()
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(f.path, url.PathEscape(s.key.ID())+".json"), append(text, '\n'), like); err != nil {
			return err
		}
	}
	for _, s := range drop {
		if slices.ContainsFunc(keep, func(k stored) bool { return k.file == s.file }) {
			continue
		}
		if err := os.Remove(filepath.Join(f.path, s.file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(f.path)
}

// jwk returns the private JWK with the member "nbf".
func (s stored) jwk() ([]byte, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(s.text, &members); err != nil {
		return nil, errors.New("a single key in PEM has no place for a second one; move it into a directory, or write it as a JWK Set")
	}
	if !s.from.IsZero() {
		members["nbf"] = jsontext.Value(fmt.Sprint(s.from.Unix()))
	}
	return json.Marshal(members, json.Deterministic(true))
}

// writeFile replaces a file. After a crash the file is the complete old or new one. Its owner
// is that of the file like.
func writeFile(path string, text []byte, like string) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keyfile-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(text)
	if err = errors.Join(err, keepOwner(tmp, like), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes sure that a rename is on the disk. Windows has no such call.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// generate makes a new key, as [keys.Generate] does, and its text. The ID of a key is its
// thumbprint; that of a secret is random.
func generate(alg keys.Algorithm) (stored, error) {
	members, err := newMembers(alg)
	if err != nil {
		return stored{}, err
	}
	members["alg"], members["use"] = string(alg), "sig"
	// Strings always marshal.
	text, _ := json.Marshal(members)
	k, err := keys.ParseJWK(alg, text)
	if err != nil {
		return stored{}, err
	}
	id := k.Thumbprint()
	if id == "" {
		id = rand.Text()
	}
	members["kid"] = id
	text, _ = json.Marshal(members, json.Deterministic(true))
	return stored{key: k.WithID(id), text: text}, nil
}

var ecCurves = map[keys.Algorithm]elliptic.Curve{keys.ES256: elliptic.P256(), keys.ES384: elliptic.P384(), keys.ES512: elliptic.P521()}

// newMembers returns the members of a new private JWK.
func newMembers(alg keys.Algorithm) (map[string]string, error) {
	switch alg {
	case keys.HS256, keys.HS384, keys.HS512:
		secret := make([]byte, 64)
		rand.Read(secret)
		return map[string]string{"kty": "oct", "k": b64(secret)}, nil
	case keys.ES256, keys.ES384, keys.ES512:
		key, err := ecdsa.GenerateKey(ecCurves[alg], rand.Reader)
		return ecMembers(key), err
	case keys.EdDSA, keys.Ed25519:
		public, key, err := ed25519.GenerateKey(rand.Reader)
		return map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(public), "d": b64(key.Seed())}, err
	case "":
		return nil, errors.New("keys/keyfile: no algorithm was given for the new key")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return rsaMembers(key), err
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func ecMembers(key *ecdsa.PrivateKey) map[string]string {
	// A new key is on its curve.
	d, _ := key.Bytes()
	point, _ := key.PublicKey.Bytes()
	x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
	return map[string]string{"kty": "EC", "crv": key.Params().Name, "x": b64(x), "y": b64(y), "d": b64(d)}
}

func rsaMembers(key *rsa.PrivateKey) map[string]string {
	n := func(n *big.Int) string { return b64(n.Bytes()) }
	pre := &key.Precomputed
	return map[string]string{
		"kty": "RSA", "n": n(key.N), "e": n(big.NewInt(int64(key.E))), "d": n(key.D),
		"p": n(key.Primes[0]), "q": n(key.Primes[1]), "dp": n(pre.Dp), "dq": n(pre.Dq), "qi": n(pre.Qinv),
	}
}
