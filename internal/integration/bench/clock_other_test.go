//go:build !unix

package bench_test

import "time"

var started = time.Now()

// cpuTime is wall time where there is no clock for the processor time.
func cpuTime() time.Duration { return time.Since(started) }
