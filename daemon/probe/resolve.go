package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/names"
)

// A Resolver looks up the addresses of a name. [net.Resolver] is one, but the
// default resolver of a Prober knows more: whether a name without addresses
// exists.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	maxAddresses   = 64 // of one name; a name with more is a mistake or an attack
	resolveTimeout = 10 * time.Second
	connectTimeout = 10 * time.Second
)

// resolve returns the addresses of the check's name that its policy wants, sorted, each once, and
// at most 64.
func (r *round) resolve(ctx context.Context) ([]netip.Addr, *failure) {
	host := r.check.Hostname
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ctx, cancel := context.WithDeadline(ctx, earlierEnd(r.deadline, time.Now().Add(resolveTimeout)))
	defer cancel()
	began := time.Now()
	answers := r.prober.lookUp(ctx, host, r.check.Addresses)
	r.dns = time.Since(began)
	var found []netip.Addr
	for _, a := range answers {
		for _, ip := range a.found {
			// ::ffff:192.0.2.1 is an IPv4 address; it must not count for IPv6.
			found = append(found, ip.Unmap())
		}
	}
	if len(found) == 0 {
		return nil, noAddresses(host, answers)
	}
	r.noteUnanswered(host, answers)
	slices.SortFunc(found, netip.Addr.Compare)
	found = slices.Compact(found)
	return found[:min(len(found), maxAddresses)], nil
}

var errNoAddress = errors.New("the name exists and has no address")

// noAddresses returns the failure of a name for which no record gave an address. A
// fault of this machine says nothing about the name; a name that does not exist
// has no record at all (RFC 8020); and a question without an answer leaves open
// what the answer would have been.
func noAddresses(host string, answers []answer) *failure {
	const phase = config.PhaseDNS
	for _, a := range answers {
		if fault := localFault(a.err); fault != "" {
			return localFailure(phase, "The name could not be looked up: "+fault+".")
		}
	}
	for _, a := range answers {
		if notFound(a.err) {
			return serviceFailure(phase, config.CauseNoSuchName, "The name "+host+" does not exist in DNS."+askedRemark(host))
		}
	}
	for i, a := range answers {
		if errors.Is(a.err, errNoAddress) {
			continue
		}
		what := host
		if len(answers) > 1 && errors.Is(answers[1-i].err, errNoAddress) {
			what = fmt.Sprintf("the %s record of %s; there is no %s record", a.record.name, host, answers[1-i].record.name)
		}
		if unanswered(a.err) {
			return serviceFailure(phase, config.CauseTimeout, "The resolver did not answer in time for "+what+".")
		}
		return serviceFailure(phase, config.CauseDNSFailure, "The resolver could not answer for "+what+".").withEvidence(a.err.Error())
	}
	return serviceFailure(phase, config.CauseNoAddress, "The name "+host+" exists, but has no address of the required family.")
}

// askedRemark returns how a name was looked up, for people whose name would exist with a search
// domain behind it.
func askedRemark(host string) string {
	if names.Relative(host) {
		return " It has no dot, so the search list of /etc/resolv.conf was applied; write the whole name."
	}
	return " It was looked up as written, without the search list of /etc/resolv.conf."
}

func notFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

func unanswered(err error) bool {
	var dns *net.DNSError
	return isTimeout(err) || errors.As(err, &dns) && dns.IsTimeout
}
