// Package hsm signs tokens with keys that never leave a hardware security module. The test
// uses SoftHSM through PKCS #11. It needs cgo. The package has only a test.
package hsm
