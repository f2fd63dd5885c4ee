package probe

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A told record is what a name server says about one record, and after how long.
type told struct {
	after time.Duration
	ips   []string
	err   error
}

const never = time.Hour

var (
	errServfail = &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	errNXDomain = &net.DNSError{Err: "no such host", IsNotFound: true}
	errTooSlow  = &net.DNSError{Err: "i/o timeout", IsTimeout: true}
)

// recordServer is a resolver that answers as told, by network.
type recordServer map[string]told

func (r recordServer) LookupNetIP(ctx context.Context, network, _ string) (found []netip.Addr, _ error) {
	t := r[network]
	select {
	case <-time.After(t.after):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for _, ip := range t.ips {
		found = append(found, netip.MustParseAddr(ip))
	}
	return found, t.err
}

// Where one record is answered, its addresses are probed within two seconds,
// whatever becomes of the other one, which a note names.
func TestOneRecordWithoutAnswer(t *testing.T) {
	v4, v6 := []string{"192.0.2.1"}, []string{"2001:db8::1"}
	const connected = "down connect/refused"
	for _, test := range []struct {
		name    string
		server  recordServer
		policy  config.AddressPolicy
		want    string
		within  time.Duration
		probed  int
		told    string // in the note; "": no note
		hinting string
	}{
		{"both answered", recordServer{"ip4": {ips: v4}, "ip6": {ips: v6}}, "", connected, 0, 2, "", ""},
		{"AAAA silent", recordServer{"ip4": {ips: v4}, "ip6": {after: never}}, "", connected, 2 * time.Second, 1, "does not answer the question for the AAAA record", "DNS does not answer for the AAAA record"},
		{"A silent", recordServer{"ip4": {after: never}, "ip6": {ips: v6}}, "", connected, 2 * time.Second, 1, "does not answer the question for the A record", "Its IPv4 addresses, if it has any, were not tried"},
		{"AAAA silent, any", recordServer{"ip4": {ips: v4}, "ip6": {after: never}}, config.AnyAddress, connected, 2 * time.Second, 1, "AAAA", ""},
		{"AAAA after 600 ms", recordServer{"ip4": {ips: v4}, "ip6": {after: 600 * time.Millisecond, ips: v6}}, "", connected, time.Second, 2, "", ""},
		{"A after 3 s, no AAAA", recordServer{"ip4": {after: 3 * time.Second, ips: v4}, "ip6": {}}, "", connected, 3 * time.Second, 1, "", ""},
		{"A after 3 s, AAAA at once", recordServer{"ip4": {after: 3 * time.Second, ips: v4}, "ip6": {ips: v6}}, "", connected, 2 * time.Second, 1, "the A record", ""},
		{"A after 3 s, AAAA silent", recordServer{"ip4": {after: 3 * time.Second, ips: v4}, "ip6": {after: never}}, "", connected, 5 * time.Second, 1, "AAAA", ""},
		{"SERVFAIL for AAAA", recordServer{"ip4": {ips: v4}, "ip6": {err: errServfail}}, "", connected, 0, 1, "cannot answer the question for the AAAA record", ""},
		{"SERVFAIL for A", recordServer{"ip4": {err: errServfail}, "ip6": {ips: v6}}, "", connected, 0, 1, "cannot answer the question for the A record", ""},
		{"NXDOMAIN for AAAA", recordServer{"ip4": {ips: v4}, "ip6": {err: errNXDomain}}, "", connected, 0, 1, "say that the name does not exist", ""},
		{"no descriptors for AAAA", recordServer{"ip4": {ips: v4}, "ip6": {err: syscall.EMFILE}}, "", connected, 0, 1, "no file descriptors", ""},
		{"ipv4 only, AAAA silent", recordServer{"ip4": {ips: v4}, "ip6": {after: never}}, config.IPv4Only, connected, 0, 1, "", ""},
		{"ipv6 only, A silent", recordServer{"ip4": {after: never}, "ip6": {ips: v6}}, config.IPv6Only, connected, 0, 1, "", ""},

		{"both silent", recordServer{"ip4": {after: never}, "ip6": {after: never}}, "", "down dns/timeout", 10 * time.Second, 0, "", "for mail.example.org."},
		{"A silent, no AAAA", recordServer{"ip4": {after: 9 * time.Second, err: errTooSlow}, "ip6": {}}, "", "down dns/timeout", 9 * time.Second, 0, "", "the A record of mail.example.org; there is no AAAA record"},
		{"no A, SERVFAIL for AAAA", recordServer{"ip4": {}, "ip6": {err: errServfail}}, "", "down dns/dns_failure", 0, 0, "", "the AAAA record of mail.example.org; there is no A record"},
		{"SERVFAIL for both", recordServer{"ip4": {err: errServfail}, "ip6": {err: errServfail}}, "", "down dns/dns_failure", 0, 0, "", "could not answer for mail.example.org."},
		{"NXDOMAIN and SERVFAIL", recordServer{"ip4": {err: errServfail}, "ip6": {err: errNXDomain}}, "", "down dns/no_such_name", 0, 0, "", "looked up as written, without the search list"},
		{"neither", recordServer{"ip4": {}, "ip6": {}}, "", "down dns/no_address", 0, 0, "", "no address"},
		{"no descriptors and silence", recordServer{"ip4": {after: never}, "ip6": {err: syscall.EMFILE}}, "", "unknown dns/local_fault", 10 * time.Second, 0, "", "file descriptors"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				prober := New(Options{Resolver: test.server, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }})
				prober.routes.exists = func(netip.AddrPort) bool { return true }
				check := config.Probe{Hostname: "mail.example.org", Port: 993, Security: config.TLSFromStart, Addresses: test.policy, Timeout: 30 * time.Second}
				began := time.Now()
				r := prober.judged(t.Context(), "check", check)
				took, worst := time.Since(began), worstOf(r)
				if got := inWords(r, false); got != test.want || len(r.Addresses) != test.probed || took > test.within {
					t.Errorf("got %q with %v after %v, want %q with %d within %v (%s)", got, r.Addresses, took, test.want, test.probed, test.within, worst.Hint)
				}
				if !strings.Contains(worst.Hint, test.hinting) {
					t.Errorf("the hint %q does not hold %q", worst.Hint, test.hinting)
				}
				if got := noteTexts(r); test.told == "" && got != "" || !strings.Contains(got, test.told) {
					t.Errorf("the notes are %q, want %q", got, test.told)
				}
				if hasNote(r, "record_unanswered") != (test.told != "") {
					t.Errorf("the notes are %v", r.Notes)
				}
				checkWords(t, r)
				if again := prober.judged(t.Context(), "check", check); noteTexts(again) != noteTexts(r) {
					t.Errorf("the notes of the next probe are %v", again.Notes)
				}
			})
		})
	}
}

// A machine without IPv6 waits for the A record, however soon the AAAA comes.
func TestRecordOfAFamilyWithoutRoute(t *testing.T) {
	for after, want := range map[time.Duration]string{3 * time.Second: "down connect/refused", never: "unknown connect/local_fault"} {
		synctest.Test(t, func(t *testing.T) {
			server := recordServer{"ip4": {after: after, ips: []string{"192.0.2.1"}}, "ip6": {ips: []string{"2001:db8::1"}}}
			prober := New(Options{Resolver: server, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "[") {
					return nil, syscall.ENETUNREACH
				}
				return nil, syscall.ECONNREFUSED
			}})
			prober.routes.exists = func(target netip.AddrPort) bool { return target.Addr().Is4() }
			r := prober.judged(t.Context(), "check", config.Probe{Hostname: "mail.example.org", Port: 993, Security: config.TLSFromStart, Timeout: 30 * time.Second})
			if got := inWords(r, false); got != want {
				t.Errorf("A after %v: %s", after, got)
			}
		})
	}
}

func worstOf(r incident.Result) incident.Finding {
	worst, _ := r.Worst()
	return worst
}

func noteTexts(r incident.Result) (all string) {
	for _, n := range r.Notes {
		all += n.Text
	}
	return all
}

// An address that was failing is not gone from DNS because nobody answers for its
// record: it is probed on, and its failure counts.
func TestFailingAddressOfAnUnansweredRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := recordServer{"ip4": {ips: []string{"192.0.2.1"}}, "ip6": {ips: []string{"2001:db8::1"}}}
		prober := New(Options{Resolver: server, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }})
		prober.routes.exists = func(netip.AddrPort) bool { return true }
		check := config.Probe{Hostname: "mail.example.org", Port: 993, Security: config.TLSFromStart, Timeout: 30 * time.Second}
		for range 2 { // longer than an address that is gone is probed
			if r := prober.judged(t.Context(), "check", check); len(r.Addresses) != 2 {
				t.Errorf("%d addresses were probed", len(r.Addresses))
			}
			server["ip6"] = told{after: never}
			time.Sleep(withdrawnAfter + time.Minute)
		}
		server["ip6"] = told{}
		time.Sleep(withdrawnAfter)
		if r := prober.judged(t.Context(), "check", check); len(r.Addresses) != 1 || !hasNote(r, "withdrawn") {
			t.Errorf("%d addresses were probed, notes %v", len(r.Addresses), r.Notes)
		}
	})
}

// recordOnly answers for one type of record and lets the other be answered
// otherwise.
func recordOnly(kind uint16, answered, other dns.HandlerFunc) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Qtype == kind {
			answered(w, q)
			return
		}
		other(w, q)
	}
}

func truncated(w dns.ResponseWriter, q *dns.Msg) {
	answer := new(dns.Msg).SetReply(q)
	answer.Truncated, answer.RecursionAvailable = true, true
	_ = w.WriteMsg(answer)
}

func silence(dns.ResponseWriter, *dns.Msg) {}

// The same through Go's resolver and a real name server, which has no TCP for
// what was truncated.
func TestRecordsOfARealNameServer(t *testing.T) {
	address, _ := nameServer(t)
	for name, missing := range map[string]string{
		"only-a.example.org": "AAAA", "only-aaaa.example.org": "A", "servfail-aaaa.example.org": "AAAA",
		"gone-aaaa.example.org": "AAAA", "truncated-aaaa.example.org": "AAAA",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := asking(address).judged(t.Context(), "check", config.Probe{
				Hostname: name, Port: 993, Security: config.TLSFromStart, Addresses: config.AllAddresses, Timeout: time.Minute,
			})
			if got := inWords(r, true); got != "down connect/refused service" || len(r.Addresses) != 1 {
				t.Errorf("got %q with %v", got, r.Addresses)
			}
			if got := noteTexts(r); !strings.Contains(got, " "+missing+" record of "+name) {
				t.Errorf("the notes are %q", got)
			}
		})
	}
}

// A name with a dot is asked with the final dot, which no search list applies to:
// the error of Go's resolver shows what it was asked for.
func TestNamesAreAbsolute(t *testing.T) {
	address, _ := nameServer(t)
	for name, asked := range map[string]string{
		"servfail.example.org": "servfail.example.org.", "servfail.example.org.": "servfail.example.org.", "Servfail.Example.ORG": "Servfail.Example.ORG.",
	} {
		r := asking(address).judged(t.Context(), "check", config.Probe{Hostname: name, Port: 993, Security: config.TLSFromStart, Timeout: time.Minute})
		if got := worstOf(r).Evidence.String(); !strings.Contains(got, "lookup "+asked+" on ") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
