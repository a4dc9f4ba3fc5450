// Package storebench measures the stores of revoked tokens against the clients and
// drivers below them. See its tests: there is no other code.
package storebench
