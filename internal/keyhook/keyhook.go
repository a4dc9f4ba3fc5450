// Package keyhook gives a gate a shortcut to the keys of a source that is no part of the
// source's API.
package keyhook

var finders []func(source any) any

// Register adds the key sources of a package: find returns a func(header string)
// *keys.Key for them, and nil for any other. Call it from init.
func Register(find func(source any) any) { finders = append(finders, find) }

// ByHeader returns a func(header string) *keys.Key that finds the key of source that
// writes an encoded header. It returns nil for a source that was not registered, and for
// a type that embeds one: that type may choose keys in another way.
func ByHeader(source any) any {
	for _, find := range finders {
		if f := find(source); f != nil {
			return f
		}
	}
	return nil
}
