// Package rotation is two services over HTTP, one that makes tokens and changes its keys
// all the time, and one that accepts them. docs/keys.md shows its parts. There is no
// code but its test.
package rotation
