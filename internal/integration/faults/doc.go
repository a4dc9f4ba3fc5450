// Package faults tests the stores of revoked tokens and of sessions while their servers
// fail: kill -9, a power cut, a frozen process, a slow, cut or garbled connection, a
// failover, a full disk, an emptied store, wrong clocks. It also tests key sets from a
// URL: floods of forged tokens, answers that are no key set, an outage, a rotation. The
// package has only tests.
//
// Each test counts broken promises and must find none. Each test also runs against a store
// with a planted bug, and must find the bug. This shows that the test can fail.
//
// The nodes of a service are stores in one process, each with its own client and
// connections. Nodes share data only through the server, and a store starts no goroutine
// and has no package-level state. A node that a test kills or freezes is a process of its
// own.
//
// "go test" runs the short form, which takes about five minutes. FAULTS=long runs the
// form for a release, which takes hours. SOAK=10m runs random faults for that time.
package faults
