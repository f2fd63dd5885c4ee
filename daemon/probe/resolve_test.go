package probe

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/imapvigil/imapvigil/config"
)

// zone is what the test's name server knows.
var zone = map[string]dns.HandlerFunc{
	"mx1.example.org.":      records("192.0.2.1", "192.0.2.2", "2001:db8::1"),
	"mx4.example.org.":      records("192.0.2.4"),
	"empty.example.org.":    records(),
	"servfail.example.org.": rcode(dns.RcodeServerFailure),
	"refused.example.org.":  rcode(dns.RcodeRefused),
	"silent.example.org.":   silence,

	"only-a.example.org.":         recordOnly(dns.TypeA, records("192.0.2.1"), silence),
	"only-aaaa.example.org.":      recordOnly(dns.TypeAAAA, records("2001:db8::1"), silence),
	"servfail-aaaa.example.org.":  recordOnly(dns.TypeA, records("192.0.2.1"), rcode(dns.RcodeServerFailure)),
	"gone-aaaa.example.org.":      recordOnly(dns.TypeA, records("192.0.2.1"), rcode(dns.RcodeNameError)),
	"truncated-aaaa.example.org.": recordOnly(dns.TypeA, records("192.0.2.1"), truncated),
}

func records(ips ...string) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		answer.RecursionAvailable = true // else Go takes an empty answer for a lame referral
		header := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: 60}
		for _, text := range ips {
			switch ip := netip.MustParseAddr(text); {
			case ip.Is4() && header.Rrtype == dns.TypeA:
				answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: ip.AsSlice()})
			case ip.Is6() && header.Rrtype == dns.TypeAAAA:
				answer.Answer = append(answer.Answer, &dns.AAAA{Hdr: header, AAAA: ip.AsSlice()})
			}
		}
		_ = w.WriteMsg(answer)
	}
}

func rcode(code int) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(q, code)) }
}

// nameServer answers from the zone on loopback.
func nameServer(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	started := make(chan struct{})
	server := &dns.Server{PacketConn: packets, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		if answer, ok := zone[strings.ToLower(q.Question[0].Name)]; ok {
			answer(w, q)
			return
		}
		rcode(dns.RcodeNameError)(w, q)
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		_ = server.Shutdown()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return packets.LocalAddr().String(), asked
}

// asking is a prober whose resolver asks that name server alone, and whose every
// connection is refused.
func asking(address string) *Prober {
	prober := New(Options{
		Resolver: resolver{func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}},
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED },
	})
	prober.routes.exists = func(netip.AddrPort) bool { return true }
	return prober
}

func TestNames(t *testing.T) {
	address, _ := nameServer(t)
	prober := asking(address)
	for _, test := range []struct {
		name      string
		addresses config.AddressPolicy
		want      string
		found     int
	}{
		{"mx1.example.org", config.AllAddresses, "down connect/refused service", 3},
		{"MX1.Example.ORG", config.AllAddresses, "down connect/refused service", 3},
		{"mx1.example.org", config.IPv4Only, "down connect/refused service", 2},
		{"mx1.example.org", config.IPv6Only, "down connect/refused service", 1},
		{"mx4.example.org", config.AllAddresses, "down connect/refused service", 1},
		{"mx4.example.org", config.IPv6Only, "down dns/no_address service", 0},
		{"empty.example.org", config.AllAddresses, "down dns/no_address service", 0},
		{"gone.example.org", config.AllAddresses, "down dns/no_such_name service", 0},
		{"servfail.example.org", config.AllAddresses, "down dns/dns_failure service", 0},
		{"refused.example.org", config.AllAddresses, "down dns/dns_failure service", 0},
		{"silent.example.org", config.AllAddresses, "down dns/timeout service", 0},
		{"..", config.AllAddresses, "down dns/no_such_name service", 0},
		{"192.0.2.9", config.AllAddresses, "down connect/refused service", 1},
		{"::ffff:192.0.2.9", config.AllAddresses, "down connect/refused service", 1},
	} {
		t.Run(test.name+" "+string(test.addresses), func(t *testing.T) {
			timeout := time.Minute
			if test.name == "silent.example.org" {
				timeout = 300 * time.Millisecond
			}
			r := prober.judged(t.Context(), "check", config.Probe{
				Hostname: test.name, Port: 993, Security: config.TLSFromStart, Addresses: test.addresses, Timeout: timeout,
			})
			worst, _ := r.Worst()
			if got := inWords(r, true); got != test.want || len(r.Addresses) != test.found {
				t.Errorf("got %q with %d addresses, want %q with %d (%s, %q)", got, len(r.Addresses), test.want, test.found, worst.Hint, worst.Evidence)
			}
			if !strings.Contains(worst.Hint, test.name) && worst.Phase == config.PhaseDNS {
				t.Errorf("the hint %q does not name the name", worst.Hint)
			}
		})
	}
}

func TestResolverOutOfReachIsThisMachinesFault(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENETDOWN} {
		prober := New(Options{Resolver: resolver{func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errno}
		}}})
		r := prober.judged(t.Context(), "check", config.Probe{Hostname: "mx1.example.org", Port: 993, Security: config.TLSFromStart, Timeout: time.Minute})
		if got := inWords(r, true); got != "unknown dns/local_fault monitor" || r.Observed != 0 {
			t.Errorf("%v: %s, observed %b", errno, got, r.Observed)
		}
	}
}

func TestNamesAreResolvedInEveryProbe(t *testing.T) {
	address, asked := nameServer(t)
	prober := asking(address)
	check := config.Probe{Hostname: "mx4.example.org", Port: 993, Security: config.TLSFromStart, Addresses: config.IPv4Only, Timeout: time.Minute}
	for range 3 {
		prober.judged(t.Context(), "check", check)
	}
	if n := asked.Load(); n < 3 { // Go asks again after 5 s
		t.Errorf("the name server was asked %d times", n)
	}
}
