package daemon

import "golang.org/x/sys/unix"

// keptDescriptors are kept from the probes: for 64 clients of the control socket,
// for messages, and for the journal and the files.
const keptDescriptors = 64 + 128

// probeDescriptors gives how many files probes may have open at once; 0: as many
// as they want. Go has raised the limit as far as it may (package os).
func probeDescriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return forProbes(limit.Cur)
}

// forProbes is their part of a limit: all but what is kept, and of a small one a
// quarter at least.
func forProbes(limit uint64) int {
	const many = 1 << 20
	n := int(min(limit, many))
	return max(n-keptDescriptors, n/4)
}
