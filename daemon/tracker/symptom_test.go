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
	outside = config.ConditionSet(config.ConditionService)
	inside  = config.ConditionSet(config.ConditionService, config.ConditionCertificate, config.ConditionCapability)
	through = config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionCertificate,
		config.ConditionCapability, config.ConditionLatency, config.ConditionAccount)
)

// A symptom is what a probe finds.
type symptom struct {
	observed config.Conditions
	finding  incident.Finding
}

func down(observed config.Conditions, phase config.Phase, cause config.Cause) symptom {
	return symptom{observed, incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: phase, Cause: cause}}
}

func degraded(c config.Condition, phase config.Phase, cause config.Cause) symptom {
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
	"refused":   down(outside, config.PhaseConnect, config.CauseRefused),
	"silent":    down(outside, config.PhaseConnect, config.CauseTimeout),
	"mute":      down(outside, config.PhaseGreeting, config.CauseTimeout),
	"bye":       down(outside, config.PhaseGreeting, config.CauseBye).saying("* BYE shutting down"),
	"no-name":   down(outside, config.PhaseDNS, config.CauseNoSuchName),
	"dns":       down(outside, config.PhaseDNS, config.CauseDNSFailure),
	"expired":   down(outside, config.PhaseTLS, config.CauseCertExpired),
	"directory": down(inside, config.PhaseLogin, config.CauseBackendUnavailable),
	"expiring":  degraded(config.ConditionCertificate, config.PhaseTLS, config.CauseCertExpiresSoon),
	"critical":  degraded(config.ConditionCertificate, config.PhaseTLS, config.CauseCertExpiresSoon).graded(1),
	"address":   degraded(config.ConditionAddresses, config.PhaseConnect, config.CauseAddressPartial),
	"ipv6":      degraded(config.ConditionAddresses, config.PhaseConnect, config.CauseAddressPartial),
	"slow":      degraded(config.ConditionLatency, config.PhaseGreeting, config.CauseSlow),
	"no-idle":   degraded(config.ConditionCapability, config.PhaseCapability, config.CauseCapabilityMissing),
	"password":  degraded(config.ConditionAccount, config.PhaseLogin, config.CauseCredentialsRejected),
	"unknown":   {finding: incident.Finding{Condition: config.ConditionService, Health: incident.Unknown, Phase: config.PhaseConnect, Cause: config.CauseLocalFault}},
}

// result is what a probe of a check finds now. A word may be kept to one
// server or check by the nearest that says anything.
func (n *timeline) result(c *config.Check, now time.Time) incident.Result {
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
