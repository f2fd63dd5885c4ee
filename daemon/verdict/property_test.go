package verdict

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func drawCheck(t *rapid.T) *config.Probe {
	check := &config.Probe{
		Addresses: rapid.SampledFrom([]config.AddressPolicy{config.AllAddresses, config.AnyAddress}).Draw(t, "policy"),
		Security:  rapid.SampledFrom([]config.Security{config.TLSFromStart, config.Plain}).Draw(t, "security"),
	}
	if rapid.Bool().Draw(t, "login") {
		check.Login.Username = "alice"
	}
	if rapid.Bool().Draw(t, "thresholds") {
		check.Thresholds[config.PhaseGreeting], check.Thresholds[config.PhaseLogin] = time.Second, 2*time.Second
	}
	return check
}

func drawProbe(t *rapid.T) *Probe {
	p := &Probe{Logins: Logins{
		Paused: rapid.Bool().Draw(t, "paused"), NeverTried: rapid.Bool().Draw(t, "never tried"),
		BadElsewhere: rapid.Bool().Draw(t, "bad elsewhere"), BrokenElsewhere: rapid.Bool().Draw(t, "broken elsewhere"),
	}}
	for i := range rapid.IntRange(1, 6).Draw(t, "addresses") {
		p.Conversations = append(p.Conversations, drawConversation(t, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})))
	}
	return p
}

// The failures that end a conversation, and the findings that do not.
var (
	failures = []*incident.Finding{
		nil, nil, nil, atConnect(config.CauseRefused), atConnect(config.CauseTimeout), down(config.PhaseGreeting, config.CauseClosed),
		down(config.PhaseTLS, config.CauseCertExpired), down(config.PhaseLogin, config.CauseBackendUnavailable),
		down(config.PhaseSelect, config.CauseTimeout), localFault(),
	}
	otherFindings = []incident.Finding{
		{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseWeakKey},
		{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon},
		{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon, Grade: 1},
		{Condition: config.ConditionCapability, Health: incident.Degraded, Cause: config.CauseCapabilityMissing},
		{Condition: config.ConditionLatency, Health: incident.Degraded, Cause: config.CauseSlow},
		{Condition: config.ConditionAccount, Health: incident.Degraded, Cause: config.CauseCredentialsRejected},
		{Condition: config.ConditionAccount, Health: incident.Unknown, Cause: config.CauseTokenUnavailable},
	}
)

func drawConversation(t *rapid.T, ip netip.Addr) Conversation {
	c := conversationWith(ip.String(), rapid.SampledFrom(failures).Draw(t, "failure"))
	c.Findings = rapid.SliceOfN(rapid.SampledFrom(otherFindings), 0, 3).Draw(t, "findings")
	c.Address.Timings[config.PhaseGreeting] = time.Duration(rapid.IntRange(0, 3).Draw(t, "greeting")) * time.Second
	c.Late = time.Duration(rapid.IntRange(0, 2).Draw(t, "late")) * time.Second
	c.InDNS = rapid.IntRange(0, 4).Draw(t, "gone from DNS") > 0
	c.Verified, c.Capable = rapid.Bool().Draw(t, "verified"), rapid.Bool().Draw(t, "capable")
	if c.Failure == nil {
		c.Login = Login(rapid.IntRange(int(NoLogin), int(LoginFailed)).Draw(t, "login"))
		c.BrokenBefore = rapid.Bool().Draw(t, "broken before")
	} else if c.Failure.Health == incident.Unknown {
		c.LeftOut = rapid.Bool().Draw(t, "left out")
	}
	return c
}

// failing are the conditions of which a result says that something is wrong, and how
// bad it is.
func failing(r incident.Result) map[config.Condition]string {
	wrong := map[config.Condition]string{}
	for _, f := range r.Findings {
		if f.Health != incident.Unknown && r.Observed.Has(f.Condition) {
			wrong[f.Condition] = fmt.Sprint(f.Health, " ", f.Grade)
		}
	}
	return wrong
}

var values = cmpopts.EquateComparable(netip.Addr{}, opaque.Words{})

// What is observed and how badly it fails does not depend on the order of the
// conversations. Which failure is named does only among those that are equally
// frequent.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		check, p := drawCheck(t), drawProbe(t)
		shuffled := *p
		shuffled.Conversations = rapid.Permutation(p.Conversations).Draw(t, "order")
		r, other := Judge(check, p), Judge(check, &shuffled)
		if r.Observed != other.Observed {
			t.Fatalf("observed %s, and in another order %s", namesIn(r.Observed), namesIn(other.Observed))
		}
		if diff := cmp.Diff(failing(r), failing(other)); diff != "" {
			t.Fatalf("what fails depends on the order: %s", diff)
		}
		if r.Health() != other.Health() || len(r.Findings) != len(other.Findings) {
			t.Fatalf("%v, and in another order %v", r.Findings, other.Findings)
		}
		for _, r := range []incident.Result{r, other} {
			for _, f := range r.Findings {
				if f.Condition == config.ConditionService || f.Condition == config.ConditionAddresses {
					checkCommonest(t, f, p.Conversations)
				}
			}
		}
	})
}

// checkCommonest makes sure that no other reason is more frequent than the one that a
// finding names, among the conversations that it can be about.
func checkCommonest(t *rapid.T, f incident.Finding, conversations []Conversation) {
	t.Helper()
	atLogin := f.Phase == config.PhaseLogin || f.Phase == config.PhaseSelect
	counts := map[incident.Finding]int{}
	named := 0
	for i := range conversations {
		c := &conversations[i]
		if !c.Known() || c.Failure == nil || (c.Failure.Phase == config.PhaseLogin || c.Failure.Phase == config.PhaseSelect) != atLogin ||
			f.Condition == config.ConditionService && !atLogin && !c.InDNS {
			continue
		}
		n := counts[*c.Failure] + 1
		counts[*c.Failure] = n
		if c.Failure.Phase == f.Phase && (c.Failure.Cause == f.Cause || f.Cause == config.CauseAddressPartial) {
			named = max(named, n)
		}
	}
	for other, n := range counts {
		if n > named {
			t.Fatalf("%s/%s is named, and %d conversations say %s/%s", f.Phase, f.Cause, n, other.Phase, other.Cause)
		}
	}
}

// A conversation that is marked unknown counts as if it had not been held: what fails
// is what fails without it, and nothing more is observed. So a mark never makes a
// check worse than it is without the conversation, hides nothing that the others
// found, and never makes a failure of a check that is well. (With the policy "any" one
// address is enough to be well, and that may be the one that is marked.)
func TestMarkedIsAsIfNotHeld(t *testing.T) {
	t.Parallel()
	why := Mark{Phase: config.PhaseConnect, Cause: config.CauseLocalFault, Hint: "This machine is at fault."}
	rapid.Check(t, func(t *rapid.T) {
		check, p := drawCheck(t), drawProbe(t)
		marked, without := *p, *p
		marked.Conversations, without.Conversations = slices.Clone(p.Conversations), nil
		for i := range marked.Conversations {
			if rapid.Bool().Draw(t, "marked") {
				marked.Conversations[i].Unknown = &why
			} else {
				without.Conversations = append(without.Conversations, p.Conversations[i])
			}
		}
		r, fewer := Judge(check, &marked), Judge(check, &without)
		if diff := cmp.Diff(failing(fewer), failing(r)); diff != "" {
			t.Fatalf("what fails is not what fails without those that are marked: %s", diff)
		}
		if more := r.Observed &^ fewer.Observed; more != 0 {
			t.Fatalf("observed too: %s", namesIn(more))
		}
		if check.Addresses != config.AnyAddress && Judge(check, p).Health() == incident.OK && len(failing(r)) > 0 {
			t.Fatalf("it is well, and with marks it is not: %v", r.Findings)
		}
	})
}

// What daemon/selfcheck marks are conversations that failed, or all. Then no check
// becomes worse than it is without marks.
func TestMarkedFailuresMakeNothingWorse(t *testing.T) {
	t.Parallel()
	why := Mark{Phase: config.PhaseConnect, Cause: config.CauseLocalFault, Hint: "This machine is at fault."}
	worst := func(r incident.Result) incident.Health {
		health := incident.OK
		for _, f := range r.Findings {
			if f.Health == incident.Down || f.Health == incident.Degraded && health == incident.OK {
				health = f.Health
			}
		}
		return health
	}
	rapid.Check(t, func(t *rapid.T) {
		check, p := drawCheck(t), drawProbe(t)
		marked, disturbed := *p, *p
		marked.Conversations, disturbed.Conversations = slices.Clone(p.Conversations), slices.Clone(p.Conversations)
		for i := range p.Conversations {
			disturbed.Conversations[i].Unknown = &why
			if p.Conversations[i].Failure != nil && rapid.Bool().Draw(t, "marked") {
				marked.Conversations[i].Unknown = &why
			}
		}
		before, after := worst(Judge(check, p)), worst(Judge(check, &marked))
		if after == incident.Down && before != incident.Down || after == incident.Degraded && before == incident.OK {
			t.Fatalf("it was %s, and with marks it is %s", before, after)
		}
		if r := Judge(check, &disturbed); r.Observed != 0 || r.Health() != incident.Unknown || len(r.Findings) != 1 {
			t.Fatalf("nothing is believed, and yet: observed %s, %v", namesIn(r.Observed), r.Findings)
		}
	})
}

// A mark about dates takes away what was said of the dates of a certificate, and
// nothing else.
func TestMarkedDates(t *testing.T) {
	t.Parallel()
	why := Mark{Phase: config.PhaseTLS, Cause: config.CauseLocalFault, Hint: "The clock may be wrong.", Dates: true}
	rapid.Check(t, func(t *rapid.T) {
		check, p := drawCheck(t), drawProbe(t)
		marked, without := *p, *p
		marked.Conversations, without.Conversations = slices.Clone(p.Conversations), nil
		for i := range marked.Conversations {
			c := p.Conversations[i]
			if rapid.Bool().Draw(t, "marked") {
				marked.Conversations[i].Unknown = &why
				c.Findings = slices.DeleteFunc(slices.Clone(c.Findings), func(f incident.Finding) bool { return AboutDates(f.Cause) })
				if c.Failure != nil && AboutDates(c.Failure.Cause) {
					continue
				}
			}
			without.Conversations = append(without.Conversations, c)
		}
		r, fewer := Judge(check, &marked), Judge(check, &without)
		if diff := cmp.Diff(failing(fewer), failing(r)); diff != "" {
			t.Fatalf("what fails is not what fails without the dates: %s", diff)
		}
		if more := r.Observed &^ fewer.Observed; more != 0 {
			t.Fatalf("observed too: %s", namesIn(more))
		}
	})
}

// A doubt is a remark: it changes words and nothing else. And nothing that is given to
// Judge is changed, nor does it give another answer the second time.
func TestDoubtsAreWords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		check, p := drawCheck(t), drawProbe(t)
		doubtful := *p
		doubtful.Conversations = slices.Clone(p.Conversations)
		for i := range doubtful.Conversations {
			doubtful.Conversations[i].Doubt = Doubt(rapid.IntRange(int(NoDoubt), int(UncertainOfTime)).Draw(t, "doubt"))
		}
		before := doubtful
		before.Conversations = slices.Clone(doubtful.Conversations)
		r, other := Judge(check, p), Judge(check, &doubtful)
		if diff := cmp.Diff(other, Judge(check, &doubtful), values); diff != "" {
			t.Fatalf("judged again it is different: %s", diff)
		}
		if diff := cmp.Diff(before, doubtful, values); diff != "" {
			t.Fatalf("what was given is changed: %s", diff)
		}
		for i := range min(len(r.Findings), len(other.Findings)) {
			r.Findings[i].Hint, other.Findings[i].Hint = "", ""
		}
		if diff := cmp.Diff(r, other, values); diff != "" {
			t.Fatalf("a doubt changes more than words: %s", diff)
		}
	})
}
