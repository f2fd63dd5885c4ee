package selfcheck_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
)

const benchChecks = 10_000

// benchResults are 10,000 checks, each of a server of its own with two
// addresses.
func benchResults(b *testing.B, like func(ip string) incident.Result) (list []incident.Result) {
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
	results := benchResults(b, func(ip string) incident.Result { return result([]string{ip + " ok", "2001:db8::1 ok"}, nil) })
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		self.Judge(context.Background(), results[i%benchChecks])
	}
}

// A failure while others answer: no asking is needed.
func BenchmarkFailure(b *testing.B) {
	self := selfcheck.New(selfcheck.Options{})
	good := benchResults(b, func(ip string) incident.Result { return result([]string{ip + " ok"}, nil) })
	bad := benchResults(b, lost)
	for _, r := range good[1:] {
		self.Judge(context.Background(), r)
	}
	b.ReportAllocs()
	for b.Loop() {
		self.Judge(context.Background(), bad[0])
	}
}
