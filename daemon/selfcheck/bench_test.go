package selfcheck_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/selfcheck"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

const benchChecks = 10_000

// benchProbes are 10,000 checks, each of a server of its own with two
// addresses.
func benchProbes(b *testing.B, like func(ip string) verdict.Probe) (list []verdict.Probe) {
	b.Helper()
	for i := range benchChecks {
		r := like(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())
		r.Target = "mx" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + ".example.org:993"
		list = append(list, r)
	}
	return list
}

// A good result, as nearly all are: the price of every probe.
func BenchmarkGood(b *testing.B) {
	self := selfcheck.New(selfcheck.Options{})
	probes := benchProbes(b, func(ip string) verdict.Probe { return probed(ip+" ok", "2001:db8::1 ok") })
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		judge(context.Background(), self, probes[i%benchChecks])
	}
}

// A failure while others answer: no asking is needed.
func BenchmarkFailure(b *testing.B) {
	self := selfcheck.New(selfcheck.Options{})
	good := benchProbes(b, func(ip string) verdict.Probe { return probed(ip + " ok") })
	bad := benchProbes(b, lost)
	for _, r := range good[1:] {
		judge(context.Background(), self, r)
	}
	b.ReportAllocs()
	for b.Loop() {
		judge(context.Background(), self, bad[0])
	}
}
