// Package keyfile keeps the keys of a keys.Ring in a file or a directory.
//
//	file, err := keyfile.Open("keys.json", keyfile.Options{Lifetime: 30 * 24 * time.Hour})
//	go file.Run(ctx) // reloads the file when it changes
//	g, err := gate.New(gate.Config{Keys: file.Ring()})
//	err = file.Rotate(keys.ES256, time.Now().Add(time.Hour))
//	err = file.Replace(keys.ES256) // if a key was stolen
//
// A file is a JWK Set (RFC 7517) with private keys or secrets. The member "nbf" of a key
// is the time from which it signs, in seconds since 1970. A key without "nbf" signs before
// all others. A file may also be one key in PEM.
//
// In a directory each file that ends with ".json" is a key or a set. Each file that ends
// with ".pem" is one key, whose ID is the file's name. A name such as
// 20260102T150405Z-spring.pem also says from when the key signs. Other files, and files
// whose names begin with a dot, are ignored.
//
// A file with a private key or secret is refused if its group or others can read it. There
// is one exception: a file of root may have mode 0640 or less, for a process of another
// user that reads it by its group. A volume of Kubernetes with fsGroup has such files.
package keyfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jwtgate/gate/keys"
)

// Options are the settings of a [File].
type Options struct {
	// Lifetime is the longest lifetime of a token, as in [keys.RingOptions].
	Lifetime time.Duration
	// Algorithm is for keys without an algorithm, such as those in PEM.
	Algorithm keys.Algorithm
	// Interval is how often [File.Run] looks for changes. 0 is 10 seconds.
	Interval time.Duration
	// OnEvent is called for each event of Run, in the goroutine of Run.
	OnEvent func(context.Context, Event)
	// Clock returns the time; nil is time.Now.
	Clock func() time.Time
}

// Names of events.
const (
	Reloaded = "keyfile.reloaded" // the file has changed, and its keys are used now
	Failed   = "keyfile.failed"   // the file cannot be read; the old keys are still used
)

// Event is something that happened in [File.Run].
type Event struct {
	Name string
	Path string
	Keys int   // the number of keys in use
	Err  error // the error, for Failed
}

// A File keeps a [keys.Ring] in a file or directory. It is safe for concurrent use. If
// several processes share a file, only one at a time may call [File.Rotate] or
// [File.Replace].
type File struct {
	path string
	o    Options
	ring *keys.Ring

	mu   sync.Mutex // held while the file is read or written
	last []stored   // the keys that the ring was made from
}

// Open reads the keys at path. It starts no goroutine: call [File.Run] or [File.Reload] to
// use changes of the file. If there is no file, or no key in the directory, errors.Is
// reports fs.ErrNotExist for the error: call [Create] then.
func Open(path string, o Options) (*File, error) {
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.OnEvent == nil {
		o.OnEvent = func(context.Context, Event) {}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	f := &File{path: path, o: o}
	all, err := f.read()
	if err != nil {
		return nil, err
	}
	if f.ring, err = f.newRing(all); err != nil {
		return nil, err
	}
	f.last = all
	return f, nil
}

func (f *File) newRing(all []stored) (*keys.Ring, error) {
	ring, err := keys.NewRing(keys.RingOptions{Lifetime: f.o.Lifetime, Clock: f.o.Clock}, ringKeys(all)...)
	if err != nil {
		return nil, fmt.Errorf("keys/keyfile: %s: %w", f.path, err)
	}
	return ring, nil
}

// Ring returns the ring. It is the same ring after the file has changed.
func (f *File) Ring() *keys.Ring { return f.ring }

// Reload reads the file again. After an error the old keys are still used.
func (f *File) Reload() error {
	_, err := f.reload()
	return err
}

func (f *File) reload() (changed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := f.read()
	if err != nil || slices.EqualFunc(all, f.last, stored.same) {
		return false, err
	}
	return true, f.use(all)
}

// use puts the keys into the ring.
func (f *File) use(all []stored) error {
	if err := f.ring.Replace(ringKeys(all)...); err != nil {
		return fmt.Errorf("keys/keyfile: %s: %w", f.path, err)
	}
	f.last = all
	return nil
}

// Run reloads the file when it changes, until ctx ends. Then it returns the error of ctx.
func (f *File) Run(ctx context.Context) error {
	tick := time.NewTicker(f.o.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		changed, err := f.reload()
		e := Event{Name: Reloaded, Path: f.path, Keys: len(f.ring.Keys()), Err: err}
		if err != nil {
			e.Name = Failed
		}
		if changed || err != nil {
			f.o.OnEvent(ctx, e)
		}
	}
}

// Create makes a file with one new key, which signs from now on, and opens it. If path is
// a directory, it makes the file there. It returns an error if the file exists, or if the
// directory has a key.
func Create(path string, alg keys.Algorithm, o Options) (*File, error) {
	k, err := generate(alg)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, o: o}
	switch _, err := f.read(); {
	case err == nil:
		return nil, fmt.Errorf("keys/keyfile: %s has keys already; use Open and Rotate", path)
	case !errors.Is(err, errNoKeys):
		return nil, err
	}
	if err := f.save([]stored{k}, nil); err != nil {
		return nil, err
	}
	return Open(path, o)
}

// Rotate makes a new key that signs from the given time on, as [keys.Ring.Rotate] does,
// and saves it. It removes keys that are not needed any more. A file is replaced as a
// whole, and a key is used only after it is on the disk. A new file has the owner of the
// others. After an error nothing has changed.
func (f *File) Rotate(alg keys.Algorithm, from time.Time) error {
	next, err := generate(alg)
	if err != nil {
		return err
	}
	next.from = from.Truncate(time.Second)
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := f.read()
	if err != nil {
		return err
	}
	ring, err := f.newRing(all)
	if err != nil {
		return err
	}
	if err := ring.Rotate(next.key, next.from); err != nil {
		return fmt.Errorf("keys/keyfile: %s: %w", f.path, err)
	}
	live := ring.Keys()
	var keep, drop []stored
	for _, s := range append(all, next) {
		if slices.ContainsFunc(live, s.is) {
			keep = append(keep, s)
		} else {
			drop = append(drop, s)
		}
	}
	return f.change(keep, drop)
}

// change saves the keys in keep, removes those in drop, and uses what is there then.
func (f *File) change(keep, drop []stored) error {
	if err := f.save(keep, drop); err != nil {
		return err
	}
	all, err := f.read()
	if err != nil {
		return err
	}
	return f.use(all)
}

// Replace makes a new key that signs from now on, saves it, and removes all other keys.
// It is for a key that was stolen, since all tokens of the old keys are refused then: here
// at once, by other processes that share the file when they read it again ([File.Run]),
// and by other services when they fetch the published set again. After an error the old
// keys may still be in use: call Replace again.
func (f *File) Replace(alg keys.Algorithm) error {
	next, err := generate(alg)
	if err != nil {
		return err
	}
	// In a directory the old keys are still there for a moment, and a process whose clock
	// is behind must not wait for the key.
	next.from = f.o.Clock().Add(-time.Minute).Truncate(time.Second)
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := f.read()
	if err != nil {
		return err
	}
	for slices.ContainsFunc(all, func(s stored) bool { return s.from.Equal(next.from) }) {
		next.from = next.from.Add(-time.Second) // a ring has no two keys of one second
	}
	return f.change([]stored{next}, all)
}
