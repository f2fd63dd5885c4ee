package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/names"
)

// A record is a type of DNS record that holds the addresses of one family.
type record struct {
	name    string // in DNS
	network string // for a Resolver
	family  string // of its addresses, for people
}

var (
	recordA    = record{"A", "ip4", "IPv4"}
	recordAAAA = record{"AAAA", "ip6", "IPv6"}
	// recordAny is both at once, for names to which a search list is applied: the
	// two records must come from the same search domain.
	recordAny = record{"A or AAAA", "ip", "IPv4 and IPv6"}
)

func recordsFor(policy config.AddressPolicy) []record {
	switch policy {
	case config.IPv4Only:
		return []record{recordA}
	case config.IPv6Only:
		return []record{recordAAAA}
	case config.AllAddresses, config.AnyAddress:
	}
	return []record{recordA, recordAAAA}
}

// An answer is what asking for one record of a name came to: addresses, or an
// error, which is errNoAddress for a name that exists without the record.
type answer struct {
	record record
	found  []netip.Addr
	err    error
}

// otherPatience is how long a record is waited for once the other one has come.
// Some load balancers and firewalls answer for A and never for AAAA; mail
// programs go on with what they have (RFC 8305 section 3 gives it 50 ms). A name
// server that has to ask others first needs a few hundred milliseconds.
const otherPatience = time.Second

// lookUp asks for the records that the policy wants, side by side. Where one
// gave addresses, the other has a second more.
func (p *Prober) lookUp(ctx context.Context, host string, policy config.AddressPolicy) []answer {
	records := recordsFor(policy)
	if len(records) > 1 && names.Relative(host) {
		// A resolver that never answers for one of the records would use up the whole time for
		// both.
		bounded, cancel := context.WithTimeout(ctx, 2*otherPatience)
		both := p.lookUpRecords(bounded, host, recordAny)
		cancel()
		if !unanswered(both[0].err) || ctx.Err() != nil {
			return both
		}
	}
	return p.lookUpRecords(ctx, host, records...)
}

func (p *Prober) lookUpRecords(ctx context.Context, host string, records ...record) []answer {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait() // after cancel: a Resolver ends with its context
	defer cancel()
	// There is room for all, since nobody reads an answer that comes too late.
	came := make(chan answer, len(records))
	for _, asked := range records {
		asking.Go(func() { came <- p.lookUpRecord(ctx, host, asked) })
	}
	var answers []answer
	var enough <-chan time.Time
	for len(answers) < len(records) {
		select {
		case a := <-came:
			answers = append(answers, a)
			if len(a.found) > 0 && enough == nil {
				enough = time.After(otherPatience)
			}
		case <-enough:
			if p.anyRoute(answers) {
				return append(answers, missingAnswers(records, answers)...)
			}
			enough = nil
		}
	}
	// Hints must not depend on which answer came first.
	slices.SortFunc(answers, func(a, b answer) int { return strings.Compare(a.record.name, b.record.name) })
	return answers
}

// anyRoute reports whether this machine has a route to any of the addresses: where
// it has none, only the other record is of use. The port does not matter.
func (p *Prober) anyRoute(answers []answer) bool {
	const anyPort = 1
	for _, a := range answers {
		for _, ip := range a.found {
			if p.routes.exists(netip.AddrPortFrom(ip.Unmap(), anyPort)) {
				return true
			}
		}
	}
	return false
}

func (p *Prober) lookUpRecord(ctx context.Context, host string, asked record) answer {
	found, err := p.resolver.LookupNetIP(ctx, asked.network, host)
	if err == nil && len(found) == 0 {
		err = errNoAddress // a CNAME that leads to a name without the record
	}
	return answer{record: asked, found: found, err: err}
}

// missingAnswers returns what stands for the records that nothing was heard of.
func missingAnswers(records []record, answers []answer) (missing []answer) {
	for _, asked := range records {
		if !slices.ContainsFunc(answers, func(a answer) bool { return a.record == asked }) {
			missing = append(missing, answer{record: asked, err: context.DeadlineExceeded})
		}
	}
	return missing
}

// saysName reports whether DNS said which addresses there are, be it none.
func (a answer) saysName() bool { return a.err == nil || errors.Is(a.err, errNoAddress) }

// noteUnanswered notes in every result a record that was not answered while the
// other one was. The addresses of its family that were failing are not gone from
// DNS because of that.
func (r *round) noteUnanswered(host string, answers []answer) {
	for _, a := range answers {
		if a.saysName() {
			continue
		}
		r.note(config.CauseRecordUnanswered, unansweredText(host, a), netip.Addr{})
		if !notFound(a.err) {
			r.silentFamily = a.record.family
		}
	}
}

// silentRecord returns the record that DNS did not answer for, if no address of its
// family was tried; else "".
func (r *round) silentRecord(outcomes []outcome) string {
	tried := func(o outcome) bool { return family(o.address.IP) == r.silentFamily }
	if r.silentFamily == "" || slices.ContainsFunc(outcomes, tried) {
		return ""
	}
	return recordOf(r.silentFamily).name
}

func recordOf(family string) record {
	if family == recordA.family {
		return recordA
	}
	return recordAAAA
}

// unansweredText returns the remark on a record of which nothing is known: why.
func unansweredText(host string, a answer) string {
	const rest = " Only the other addresses are probed."
	switch fault := localFault(a.err); {
	case fault != "":
		return fmt.Sprintf("The %s record of %s could not be looked up: %s.", a.record.name, host, fault) + rest
	case unanswered(a.err):
		return fmt.Sprintf("The resolver does not answer the question for the %s record of %s, but answers for the other one.", a.record.name, host) + rest
	case notFound(a.err):
		return fmt.Sprintf("Asked for the %s record of %s, the name servers say that the name does not exist, although it does. Programs that believe this (RFC 8020) cannot reach the host.", a.record.name, host) + rest
	}
	return fmt.Sprintf("The resolver cannot answer the question for the %s record of %s, but answers for the other one.", a.record.name, host) + rest
}
