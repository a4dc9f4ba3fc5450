// Package storekit is for authors of stores of revoked tokens. It holds the rules by
// which all stores agree: how identifiers are hashed, how long entries live, which
// tokens they refuse to answer for, and what a call of RevokeSubject covers. Package
// gatetest has the suite that every store passes.
//
// Applications need package stores, and the store of their choice.
package storekit
