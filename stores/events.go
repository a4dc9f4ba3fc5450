package stores

// The names of the events that stores and [Breaker] report. They do not change once
// released. The functions that take them have the type of gate.Config.OnEvent, so that
// gate.SlogEvents can be given to all of them.
const (
	CircuitOpened = "circuit.opened" // the store has failed and is not asked for now; Err is why
	CircuitClosed = "circuit.closed" // the store has answered again
	CheckDenied   = "check.denied"   // without an answer, the token was refused; Err is why
	CheckAllowed  = "check.allowed"  // without an answer, the token was let in; Err is why

	StoreBegun    = "store.begun"    // a new epoch began: tokens from before are refused
	StoreWiped    = "store.wiped"    // the store has lost its data and is closed; Err is why
	StoreReopened = "store.reopened" // AcceptWipe has opened it
	StoreUnsafe   = "store.unsafe"   // the server's settings or role are refused; Err is why
	StoreFailing  = "store.failing"  // a revocation was not taken; Err is why
	StoreSafe     = "store.safe"     // the server's settings and role are right again

	CacheFailed    = "cache.failed"    // the copy in memory could not be brought up to date, or rows not deleted; Err is why
	CacheRestarted = "cache.restarted" // the database is not the one that was read before: the copy was read anew; Err is why
)
