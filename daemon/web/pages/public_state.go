package pages

import (
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A serviceState is how a service is, as far as the public is told.
type serviceState struct {
	shown shownState
	part  bool       // some of its checks are down, others are not
	since *time.Time // nil: it is not known
	known *time.Time // when it was reported; nil: it was not
	until *time.Time // of planned work
}

// publicWords are the states as the public reads them.
var publicWords = map[incident.CheckState]string{
	incident.CheckOK: "working", incident.CheckDown: "not reachable", incident.CheckDegraded: "degraded", incident.CheckRecovering: "recovering",
	incident.CheckFailing: "being checked", incident.CheckUnknown: "not known", incident.CheckMaintenance: "in maintenance", incident.CheckPaused: "paused",
}

func (s serviceState) word() string {
	if s.part {
		return "partly not reachable"
	}
	return publicWords[incident.CheckState(s.shown)]
}

// stateOf returns the gravest state of the checks of a service. One that is paused says nothing
// where others say something.
func (m *publicMaker) stateOf(s *service) serviceState {
	worst, judged, down := serviceState{shown: shownState(incident.CheckPaused)}, 0, 0
	for _, c := range s.checks {
		one := m.checkState(c)
		switch incident.CheckState(one.shown) {
		case incident.CheckDown:
			down++
			judged++
		case incident.CheckPaused, incident.CheckMaintenance:
		default:
			judged++
		}
		switch order := publicWeight(one.shown) - publicWeight(worst.shown); {
		case order < 0:
			worst = one
		case order == 0:
			worst.since, worst.known = earlier(worst.since, one.since), earlier(worst.known, one.known)
		}
	}
	if down > 0 && down < judged {
		worst.part, worst.shown = true, shownState(incident.CheckDegraded)
	}
	return worst
}

func publicWeight(s shownState) int {
	return slices.Index(incident.CheckStates(), incident.CheckState(s))
}

// earlier returns the earlier of two times; nil is none.
func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// checkState returns how one check is for the public. What only its operators need to know, as a
// certificate that ends in two weeks, is no trouble of those who read their mail.
func (m *publicMaker) checkState(c *api.Check) serviceState {
	v := serviceState{shown: shownState(c.State), since: c.Since}
	switch c.State {
	case incident.CheckMaintenance:
		if c.Maintenance != nil {
			v.until = c.Maintenance.Until
		}
		return v
	case incident.CheckDown, incident.CheckDegraded, incident.CheckFailing, incident.CheckRecovering:
	case incident.CheckOK, incident.CheckUnknown, incident.CheckPaused:
		return v
	}
	felt := len(m.open[c.ID]) == 0
	for _, in := range m.open[c.ID] {
		if isFelt(in) {
			felt = true
			v.known = earlier(v.known, in.ReportedAt)
		}
	}
	if !felt {
		return serviceState{shown: shownState(incident.CheckOK)}
	}
	if c.State == incident.CheckFailing {
		v.since = nil // it is not certain yet
	}
	return v
}

// isFelt reports whether an incident is one that those notice who use the service.
func isFelt(in *api.Incident) bool {
	switch in.Condition {
	case config.ConditionService, config.ConditionLatency, config.ConditionIntermittent:
		return true
	case config.ConditionAddresses, config.ConditionCertificate, config.ConditionCapability, config.ConditionAccount, config.ConditionMonitor,
		config.ConditionLocation:
	}
	return in.Severity == config.SeverityDown
}

// mostNamed is how many services the sentence names.
const mostNamed = 3

// sentence says in a sentence how everything is, and in others what else is not as usual.
func (m *publicMaker) sentence(p *publicPage) {
	by := map[string][]*service{}
	states := map[*service]serviceState{}
	paused := 0
	for _, s := range m.services {
		states[s] = m.stateOf(s)
		by[states[s].word()] = append(by[states[s].word()], s)
		if states[s].shown == shownState(incident.CheckPaused) {
			paused++
		}
	}
	all := len(m.services) - paused
	if p.State = "ok"; all == 0 {
		p.State, p.Sentence = noState, "No service is watched here now."
		return
	}
	var rest []string
	for _, k := range []publicKind{
		{incident.CheckDown, "not reachable", " not reachable%s."},
		{incident.CheckDegraded, "partly not reachable", " partly not reachable%s."},
		{incident.CheckDegraded, "degraded", " degraded%s."},
		{incident.CheckRecovering, "recovering", " reachable again, but not for long enough to be certain."},
		{incident.CheckUnknown, "not known", "Nothing is known of %s now."},
		{incident.CheckFailing, "being checked", " being checked: the last probe failed."},
		{incident.CheckMaintenance, "in maintenance", " in maintenance%s."},
	} {
		list := by[k.word]
		if len(list) == 0 {
			continue
		}
		text := m.says(k, list, states, all)
		if p.Sentence == "" && k.state != incident.CheckMaintenance {
			p.Sentence, p.State = text, shownState(k.state)
			if k.state == incident.CheckDown || k.state == incident.CheckDegraded {
				p.Known = m.knownSince(list, states)
			}
			continue
		}
		rest = append(rest, text)
	}
	working := len(by["working"])
	switch {
	case p.Sentence == "" && working == 0:
		p.State, p.Sentence, rest = shownState(incident.CheckMaintenance), rest[0], rest[1:]
	case p.Sentence == "" && len(rest) == 0:
		p.Sentence = "All services are working."
	case p.Sentence == "":
		p.Sentence = "All other services are working."
		if working == 1 {
			p.Sentence = m.named(by["working"]) + " is working."
		}
	case working > 0:
		rest = append(rest, otherServices(working))
	}
	p.Rest = strings.Join(rest, " ")
}

// A publicKind is a state that the sentences name.
type publicKind struct {
	state incident.CheckState
	word  string
	form  string // what is said behind the names and the verb, with since or until when
}

func otherServices(working int) string {
	if working == 1 {
		return "The other service is working."
	}
	return "The other " + grouped(working) + " services are working."
}

// says fills in the names of the services, the verb, and since or until when.
func (m *publicMaker) says(k publicKind, list []*service, states map[*service]serviceState, all int) string {
	names, verb, when := m.named(list), "is", ""
	if len(list) > 1 {
		verb = "are"
	}
	switch {
	case len(list) == all && all > 1:
		names, verb = "All services", "are"
	case len(list) > mostNamed:
		names = grouped(len(list)) + " of " + grouped(all) + " services"
	}
	var since, until *time.Time
	for _, s := range list {
		since = earlier(since, states[s].since)
		if u := states[s].until; u != nil && (until == nil || u.After(*until)) {
			until = u
		}
	}
	if k.state == incident.CheckMaintenance {
		if until != nil {
			when = " until " + m.clock.at(until).Near()
		}
	} else if since != nil {
		when = " since " + m.clock.at(since).Near()
	}
	switch {
	case k.state == incident.CheckDown && len(list) == all && all > 1:
		return "No service is reachable" + when + "."
	case k.state == incident.CheckUnknown:
		return strings.Replace(k.form, "%s", strings.Replace(names, "All", "all", 1), 1)
	}
	return names + " " + verb + strings.Replace(k.form, "%s.", when+".", 1)
}

// named lists names as people do.
func (m *publicMaker) named(list []*service) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.name
	}
	return listed(names)
}

// listed joins names as people do: "a, b and c".
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// knownSince says since when people know of a failure.
func (m *publicMaker) knownSince(list []*service, states map[*service]serviceState) string {
	var since, known *time.Time
	for _, s := range list {
		since, known = earlier(since, states[s].since), earlier(known, states[s].known)
	}
	if since == nil || known == nil || known.Before(*since) {
		return ""
	}
	return "We have known since " + m.clock.at(known).Near() + "."
}
