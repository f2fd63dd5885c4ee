package tracker

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// seenOf is what a probe of a server with two addresses finds, in texts of its own.
func seenOf(server int) incident.Result {
	own := strings.Clone
	r := incident.Result{Check: config.CheckID(fmt.Sprintf("customer%06d", server)), Observed: config.ConditionSet(config.ConditionService)}
	for i := range 2 {
		a := incident.Address{
			Node: "here", IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), Port: 993, Health: incident.OK,
			TLS: &incident.TLSInfo{
				Version: own("TLS 1.3"), Cipher: own("TLS_AES_128_GCM_SHA256"), Subject: fmt.Sprintf("CN=mx%d.example.org", server),
				Issuer: own("CN=R11,O=Let's Encrypt,C=US"), SHA256: fmt.Sprintf("%064x", server), SPKI: fmt.Sprintf("%044d", server),
				Names: []string{fmt.Sprintf("mx%d.example.org", server)}, NotAfter: time.Unix(1_800_000_000, 0),
			},
		}
		for _, text := range strings.Fields("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN AUTH=LOGIN NAMESPACE UIDPLUS MOVE") {
			a.Capabilities = append(a.Capabilities, own(text))
		}
		r.Addresses = append(r.Addresses, a)
	}
	return r
}

// What is kept of a result shows what the result does.
func TestWhatIsKeptOfAResult(t *testing.T) {
	var s sharer
	r := seenOf(1)
	other := seenOf(1)
	other.Addresses[1].Node, other.Addresses[1].TLS.Version = "there", "TLS 1.2"
	first, second := s.keep(r, nil), s.keep(other, nil)
	for i, a := range first.Addresses {
		want := *r.Addresses[i].TLS
		want.SPKI, want.Names = "", nil
		if got := *a.TLS; fmt.Sprint(got) != fmt.Sprint(want) || !slices.Equal(a.Capabilities, r.Addresses[i].Capabilities) {
			t.Errorf("kept %+v of %+v", got, want)
		}
	}
	if r.Addresses[0].TLS.SPKI == "" {
		t.Error("the result itself was changed")
	}
	if first.Addresses[0].TLS != second.Addresses[0].TLS || &first.Addresses[0].Capabilities[0] != &second.Addresses[1].Capabilities[0] {
		t.Error("what is equal is not shared")
	}
	if got := second.Addresses[1].TLS.Version; got != "TLS 1.2" {
		t.Errorf("what differs is %s", got)
	}
	var nodes []string
	for source := range (&CheckState{Last: second}).Sources() {
		nodes = append(nodes, fmt.Sprint(source.Node, len(source.Addresses)))
	}
	if want := []string{"here1", "there1"}; !slices.Equal(nodes, want) {
		t.Errorf("sources %q, want %q", nodes, want)
	}
}

// What several nodes see is kept with one text for each name.
func TestWhatIsKeptOfSightings(t *testing.T) {
	var s sharer
	seen := func() incident.Result {
		return incident.Result{Sightings: []incident.Sighting{
			{Node: strings.Clone("fra1"), Location: strings.Clone("frankfurt"), Health: incident.Down, Hint: strings.Clone("Start it."), At: time.Unix(1, 0)},
			{Node: strings.Clone("lon1"), Location: strings.Clone("london"), Health: incident.OK, At: time.Unix(2, 0)},
		}}
	}
	r := seen()
	first, second := s.keep(r, nil), s.keep(seen(), nil)
	if !slices.Equal(first.Sightings, r.Sightings) || &first.Sightings[0] == &r.Sightings[0] {
		t.Errorf("kept %+v of %+v", first.Sightings, r.Sightings)
	}
	for i, sight := range first.Sightings {
		for _, same := range [][2]string{{sight.Node, second.Sightings[i].Node}, {sight.Location, second.Sightings[i].Location}, {sight.Hint, second.Sightings[i].Hint}} {
			if unsafe.StringData(same[0]) != unsafe.StringData(same[1]) && same[0] != "" {
				t.Errorf("%q is there twice", same[0])
			}
		}
	}
}

// A server that never says the same twice fills nothing.
func TestWhatIsSharedIsBounded(t *testing.T) {
	var s sharer
	for i := range 2 * maxShared {
		s.keep(incident.Result{Addresses: []incident.Address{{Capabilities: []string{fmt.Sprint(i)}}}}, nil)
	}
	if n := s.Size(); n > maxShared+2 { // one list more than the bound
		t.Errorf("%d texts", n)
	}
}

// BenchmarkKept reports what the last result of a check with two addresses costs, as it
// came and as it is kept.
func BenchmarkKept(b *testing.B) {
	const checks = 10_000
	size := func(keep func(incident.Result) *incident.Result) float64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		list := make([]*incident.Result, checks)
		for i := range list {
			list[i] = keep(seenOf(i))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(list)
		return float64(after.HeapAlloc-before.HeapAlloc) / checks
	}
	var s sharer
	for b.Loop() {
		b.ReportMetric(size(func(r incident.Result) *incident.Result { return &r }), "B-came/check")
		b.ReportMetric(size(func(r incident.Result) *incident.Result { return s.keep(r, nil) }), "B-kept/check")
	}
	r := seenOf(1)
	last := s.keep(r, nil)
	b.ReportMetric(testing.AllocsPerRun(1000, func() { last = s.keep(r, last) }), "allocs/keep")
}
