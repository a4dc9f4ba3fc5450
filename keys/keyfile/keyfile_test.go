package keyfile_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/keyfile"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// options are for a clock that starts at noon and is moved by hand.
func options(now *time.Time) keyfile.Options {
	*now = noon
	return keyfile.Options{Lifetime: time.Hour, Clock: func() time.Time { return *now }}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// phases are the keys of the ring as ALG/phase.
func phases(f *keyfile.File) string {
	var all []string
	for _, s := range f.Ring().Status() {
		all = append(all, string(s.Key.Algorithm())+"/"+string(s.Phase))
	}
	return strings.Join(all, " ")
}

// published is the set that the ring shows, by which rings are compared.
func published(f *keyfile.File) string { return string(must(f.Ring().MarshalJSON())) }

func pemKey(t *testing.T) string {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
}

// TestRotation makes, rotates and opens again, in a file and in a directory.
func TestRotation(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.HS256, keys.RS256, keys.PS384, keys.ES256, keys.ES512, keys.EdDSA} {
		for _, name := range []string{"keys.json", ""} {
			t.Run(string(alg)+" "+name, func(t *testing.T) {
				var now time.Time
				o := options(&now)
				path := filepath.Join(t.TempDir(), name)
				f, err := keyfile.Create(path, alg, o)
				if err != nil {
					t.Fatal(err)
				}
				first := must(f.Ring().SigningKey(t.Context(), nil))
				if err := f.Rotate(alg, now.Add(10*time.Minute)); err != nil {
					t.Fatal(err)
				}
				again := must(keyfile.Open(path, o))
				a := string(alg)
				for _, tt := range []struct {
					after time.Duration
					want  string
				}{{0, a + "/active " + a + "/pending"}, {10 * time.Minute, a + "/retiring " + a + "/active"}, {70 * time.Minute, a + "/active"}} {
					now = noon.Add(tt.after)
					if phases(f) != tt.want || phases(again) != tt.want || published(f) != published(again) {
						t.Errorf("after %s: %s; opened again: %s; want %s", tt.after, phases(f), phases(again), tt.want)
					}
				}
				if err := f.Rotate(alg, now); err != nil {
					t.Fatal(err)
				}
				// The first key has left the file.
				if text := everything(t, path); strings.Contains(text, first.ID()) {
					t.Errorf("the file still has a key whose time is over: %s", text)
				}
				sig := must(must(f.Ring().SigningKey(t.Context(), nil)).Sign(t.Context(), "x.y"))
				again = must(keyfile.Open(path, o))
				if got := must(must(again.Ring().SigningKey(t.Context(), nil)).Sign(t.Context(), "x.y")); alg == keys.HS256 && got != sig {
					t.Error("the secret that was saved is another one")
				}
				checkModes(t, path)
			})
		}
	}
}

// everything is the text of the file, or of all files in the directory.
func everything(t *testing.T, path string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all.Write(must(os.ReadFile(path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// checkModes checks that nobody else can read the keys, and that no file is left over.
func checkModes(t *testing.T, path string) {
	t.Helper()
	dir := path
	if !must(os.Stat(path)).IsDir() {
		dir = filepath.Dir(path)
	}
	for _, e := range must(os.ReadDir(dir)) {
		if info := must(e.Info()); info.Mode().Perm() != 0o600 || strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s has mode %#o", e.Name(), info.Mode())
		}
	}
}

func TestOpenDirectory(t *testing.T) {
	var now time.Time
	o := options(&now)
	o.Algorithm = keys.ES256
	dir := t.TempDir()
	write(t, filepath.Join(dir, "old.pem"), pemKey(t))
	write(t, filepath.Join(dir, "20260102T115900Z-spring.pem"), pemKey(t))
	write(t, filepath.Join(dir, "20260102T130000Z-summer.pem"), pemKey(t))
	write(t, filepath.Join(dir, ".hidden.pem"), "not a key")
	write(t, filepath.Join(dir, "README"), "not a key")
	f := must(keyfile.Open(dir, o))
	if got := phases(f); got != "ES256/retiring ES256/active ES256/pending" {
		t.Errorf("phases = %s", got)
	}
	if k := must(f.Ring().SigningKey(t.Context(), nil)); k.ID() != "20260102T115900Z-spring" {
		t.Errorf("signing key = %s", k)
	}
	// A key of another tool is added, and keys whose time is over go.
	now = noon.Add(3 * time.Hour)
	if err := f.Rotate(keys.EdDSA, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := phases(f); got != "ES256/active EdDSA/pending" {
		t.Errorf("phases = %s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "old.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("old.pem: %v", err)
	}
}

func TestOpenFile(t *testing.T) {
	var now time.Time
	o := options(&now)
	dir := t.TempDir()
	path := filepath.Join(dir, "one.pem")
	write(t, path, pemKey(t))
	if _, err := keyfile.Open(path, o); err == nil || !strings.Contains(err.Error(), "set Options.Algorithm") {
		t.Errorf("error = %v", err)
	}
	o.Algorithm = keys.ES256
	f := must(keyfile.Open(path, o))
	if k := must(f.Ring().SigningKey(t.Context(), nil)); k.ID() != "one" {
		t.Errorf("key = %s", k)
	}
	if err := f.Rotate(keys.ES256, now.Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "no place for a second one") {
		t.Errorf("Rotate = %v", err)
	}
	// One JWK, without a set around it, whose algorithm is given.
	secret := filepath.Join(dir, "one.json")
	write(t, secret, `{"kty":"oct","kid":"s","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T","nbf":1767225600}`)
	o.Algorithm = keys.HS256
	f = must(keyfile.Open(secret, o))
	if s := f.Ring().Status(); len(s) != 1 || s[0].Key.ID() != "s" || s[0].From.Unix() != 1767225600 {
		t.Errorf("status = %+v", s)
	}
	// A link is followed, and what it leads to is replaced.
	link := filepath.Join(dir, "link.json")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	if err := must(keyfile.Open(link, o)).Rotate(keys.HS256, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := f.Reload(); err != nil || phases(f) != "HS256/active HS256/pending" || must(os.Lstat(link)).Mode()&fs.ModeSymlink == 0 {
		t.Errorf("Reload = %v, %s", err, phases(f))
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	public := must(json.Marshal(must(keys.Generate(keys.ES256))))
	for _, tt := range []struct{ name, file, text, want string }{
		{"nothing there", "", "", "make some with keyfile.Create"},
		{"empty", "a.json", "", "no PEM block"},
		{"not JSON", "b.json", "{", "strict JSON"},
		{"no keys", "c.json", `{"keys":[]}`, "at least one key"},
		{"one bad key", "d.json", `{"keys":[` + string(public) + `,{"kty":"EC"}]}`, `key 1, counted from 0: keys: JWK with kty "EC"`},
		{"time of another kind", "e.json", `{"keys":[{"kty":"EC","nbf":"2026"}]}`, `"nbf" must be whole seconds`},
		{"two from one time", "f.json", `{"keys":[` + string(public) + `,` + string(must(json.Marshal(must(keys.Generate(keys.ES256))))) + `]}`, "begin at the same time"},
		{"too long", "g.json", strings.Repeat(" ", 1<<20+1), "longer than 1 MiB"},
		{"damaged PEM", "h.pem", "-----BEGIN PRIVATE KEY-----\nxx\n", "cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, tt.file)
			if tt.file == "" {
				path = filepath.Join(dir, "nowhere")
			} else {
				write(t, path, tt.text)
			}
			_, err := keyfile.Open(path, keyfile.Options{Lifetime: time.Hour, Algorithm: keys.ES256})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error = %v, want one with %q and the path", err, tt.want)
			}
			if got, want := errors.Is(err, fs.ErrNotExist), tt.file == ""; got != want {
				t.Errorf("errors.Is(%v, fs.ErrNotExist) = %v, want %v", err, got, want)
			}
		})
	}
	empty := t.TempDir()
	if _, err := keyfile.Open(empty, keyfile.Options{Lifetime: time.Hour}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "keyfile.Create") {
		t.Errorf("empty directory: %v", err)
	}
	if _, err := keyfile.Open(filepath.Join(dir, "h.pem", "x"), keyfile.Options{}); err == nil {
		t.Error("a path through a file: no error")
	}
	if _, err := keyfile.Create(filepath.Join(dir, "new.json"), keys.ES256, keyfile.Options{}); err == nil || !strings.Contains(err.Error(), "Lifetime") {
		t.Errorf("no lifetime: %v", err)
	}
}

// TestRun: a change of the file is taken in, a broken one is told of and changes nothing.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys.json")
		var events []keyfile.Event
		o := keyfile.Options{Lifetime: time.Hour, OnEvent: func(_ context.Context, e keyfile.Event) { events = append(events, e) }}
		f := must(keyfile.Create(path, keys.ES256, o))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := f.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		})
		time.Sleep(time.Minute)
		if err := must(keyfile.Open(path, o)).Rotate(keys.EdDSA, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := phases(f); got != "ES256/active EdDSA/pending" {
			t.Errorf("phases = %s", got)
		}
		write(t, path, `{"keys":[{"kty":"EC"}]}`)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		write(t, path, `{"keys":[]}`)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := phases(f); got != "ES256/active EdDSA/pending" {
			t.Errorf("phases = %s after a broken file", got)
		}
		cancel()
		wg.Wait()
		if len(events) != 3 || events[0].Name != keyfile.Reloaded || events[0].Keys != 2 || events[0].Path != path ||
			events[1].Name != keyfile.Failed || events[1].Err == nil || events[2].Name != keyfile.Failed {
			t.Errorf("events = %+v", events)
		}
	})
}
