package tracker_test

import (
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// What a probe observes depends on how far it comes, as in daemon/probe.
var (
	outside = incident.ConditionSet(incident.Service)
	inside  = incident.ConditionSet(incident.Service, incident.Certificate, incident.Capability)
	through = incident.ConditionSet(incident.Service, incident.Addresses, incident.Certificate,
		incident.Capability, incident.Latency, incident.Account)
)

// A symptom is what a probe finds.
type symptom struct {
	observed incident.Conditions
	finding  incident.Finding
}

func down(observed incident.Conditions, phase incident.Phase, cause incident.Cause) symptom {
	return symptom{observed, incident.Finding{Condition: incident.Service, Health: incident.Down, Phase: phase, Cause: cause}}
}

func degraded(c incident.Condition, phase incident.Phase, cause incident.Cause) symptom {
	return symptom{through, incident.Finding{Condition: c, Health: incident.Degraded, Phase: phase, Cause: cause}}
}

func (s symptom) saying(words string) symptom {
	s.finding.Evidence = opaque.Sanitise(words)
	return s
}

func (s symptom) graded(grade int) symptom {
	s.finding.Grade = grade
	return s
}

// symptoms are the words for what happens to servers.
var symptoms = map[string]symptom{
	"ok":        {observed: through},
	"refused":   down(outside, incident.PhaseConnect, incident.CauseRefused),
	"silent":    down(outside, incident.PhaseConnect, incident.CauseTimeout),
	"mute":      down(outside, incident.PhaseGreeting, incident.CauseTimeout),
	"bye":       down(outside, incident.PhaseGreeting, incident.CauseBye).saying("* BYE shutting down"),
	"no-name":   down(outside, incident.PhaseDNS, incident.CauseNoSuchName),
	"dns":       down(outside, incident.PhaseDNS, incident.CauseDNSFailure),
	"expired":   down(outside, incident.PhaseTLS, incident.CauseCertExpired),
	"directory": down(inside, incident.PhaseLogin, incident.CauseBackendUnavailable),
	"expiring":  degraded(incident.Certificate, incident.PhaseTLS, incident.CauseCertExpiresSoon),
	"critical":  degraded(incident.Certificate, incident.PhaseTLS, incident.CauseCertExpiresSoon).graded(1),
	"address":   degraded(incident.Addresses, incident.PhaseConnect, incident.CauseAddressPartial),
	"ipv6":      degraded(incident.Addresses, incident.PhaseConnect, incident.CauseAddressPartial),
	"slow":      degraded(incident.Latency, incident.PhaseGreeting, incident.CauseSlow),
	"no-idle":   degraded(incident.Capability, incident.PhaseCapability, incident.CauseCapabilityMissing),
	"password":  degraded(incident.Account, incident.PhaseLogin, incident.CauseCredentialsRejected),
	"unknown":   {finding: incident.Finding{Condition: incident.Service, Health: incident.Unknown, Phase: incident.PhaseConnect, Cause: incident.CauseLocalFault}},
}

// result is what a probe of a check finds now. A word may be kept to one
// server or check by the nearest that says anything.
func (n *night) result(c *config.Check, now time.Time) incident.Result {
	words := n.symptoms["everything"]
	for _, name := range []string{string(c.Server), string(c.ID)} {
		if w, ok := n.symptoms[name]; ok && name != "" {
			words = w
		}
	}
	r := incident.Result{
		Check: c.ID, Started: now, Ended: now, Observed: through,
		Target: net.JoinHostPort(c.Probe.Hostname, strconv.Itoa(int(c.Probe.Port))),
	}
	for _, word := range words {
		s, ok := symptoms[strings.TrimSuffix(word, ",")]
		if !ok {
			n.t.Fatalf("nobody knows the symptom %q", word)
		}
		r.Observed &= s.observed
		if s.finding.Condition != "" {
			r.Findings = append(r.Findings, s.finding)
		}
	}
	return r
}
