// Package keyhook gives a gate a shortcut to the keys of a source that is no part of the
// source's API.
package keyhook

import "time"

// Find is the shortcut of a source. K is *keys.Key, which this package cannot import. It
// returns the key that writes an encoded header, or nil. If it had to ask time.Now, it
// returns that time too, so that the caller need not ask again.
type Find[K any] = func(header string) (key K, read time.Time)

var finders []func(source any) any

// Register adds the key sources of a package: find returns a Find[*keys.Key] for them,
// and nil for any other. Call it from init.
func Register(find func(source any) any) { finders = append(finders, find) }

// ByHeader returns the Find[*keys.Key] of source. It returns nil for a source that was
// not registered, and for a type that embeds one: that type may choose keys in another
// way.
func ByHeader(source any) any {
	for _, find := range finders {
		if f := find(source); f != nil {
			return f
		}
	}
	return nil
}
