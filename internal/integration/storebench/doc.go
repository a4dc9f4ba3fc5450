// Package storebench compares the speed of the stores of revoked tokens with the clients
// and drivers that they use. The package has only tests.
package storebench
