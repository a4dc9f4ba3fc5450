// Package rotation tests two services over HTTP: one makes tokens and rotates its keys all
// the time, and one accepts the tokens. docs/keys.md is about two such services. The
// package has only a test.
package rotation
