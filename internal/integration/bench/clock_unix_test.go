//go:build unix

package bench_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the processor time that this process has used. On a machine with
// other work it tells what a body costs where a wall clock tells who else ran.
func cpuTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}
