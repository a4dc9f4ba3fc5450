package model

// A Rule is the number of a rule of a protocol.
type Rule uint8

// Rules is a set of rules.
type Rules uint32

// All returns the set of the rules numbered below n.
func All(n int) Rules { return 1<<n - 1 }

// Has reports whether rule i is in the set.
func (r Rules) Has(i Rule) bool { return r>>i&1 == 1 }

// Without returns the set without rule i.
func (r Rules) Without(i Rule) Rules { return r &^ (1 << i) }
