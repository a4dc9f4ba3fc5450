// Package storekit is for authors of stores of revoked tokens. It has the rules that all
// stores share: how identifiers are hashed, how long entries live, for which tokens a
// store returns an error, and which tokens a RevokeSubject covers. Package gatetest has
// the test suite that every store passes.
//
// Applications do not need this package. They use package stores and one of the stores.
package storekit
