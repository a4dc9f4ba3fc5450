// Package faults does to the stores of revoked tokens, and to the servers under them,
// what happens to servers: kill -9, a frozen process, a slow, cut or garbled wire, a
// failover, a full disk, an emptied store, wrong clocks; and to the key sets of issuers
// what strangers and issuers do: floods of forged tokens, answers that are no set, an
// outage, a rotation. There is no code but its tests.
//
// Each fault counts what broke its promise, and has to find none. Each is also run
// with a planted bug, a store that a careful programmer might have written, and has to
// find that: a checker that finds nothing in both has not looked.
//
// The nodes of a service are stores with a client and connections of their own in this
// one process. Processes would add nothing: what one node knows of another goes through
// the server, and a store starts no goroutine and has no package-level state.
//
// "go test" takes the short form, two to three minutes; FAULTS=long takes the figures
// of a release, hours; SOAK=10m runs random faults for that long.
package faults
