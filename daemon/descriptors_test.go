package daemon

import (
	"math"
	"testing"
)

func TestProbesLeaveDescriptors(t *testing.T) {
	for limit, want := range map[uint64]int{
		64: 16, 256: 64, 257: 65, 1024: 832, 65536: 65344, math.MaxUint64: 1<<20 - 192,
	} {
		if got := forProbes(limit); got != want {
			t.Errorf("of %d probes may use %d, want %d", limit, got, want)
		}
	}
	if n := probeDescriptors(); n <= 0 {
		t.Errorf("of this process probes may use %d", n)
	}
}
