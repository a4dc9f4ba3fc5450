// Package hsm signs tokens with keys that never leave a hardware security module, here
// SoftHSM, by PKCS #11. It needs cgo. There is no code but its test.
package hsm
