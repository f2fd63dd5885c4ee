package pages

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// A monitorPage is how the daemon itself is.
type monitorPage struct {
	State    shownState
	Sentence string
	Parts    []monitorPart
	Notes    []string
}

// A monitorPart is one thing that the daemon needs.
type monitorPart struct {
	Name  string
	State shownState
	Word  string
	Facts []fact
	Error string // as the daemon wrote it
}

func (v *viewer) serveMonitor(w http.ResponseWriter, r *http.Request) {
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	s, err := api.OwnStatusFor(r.Context(), v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	p := f.monitor(&s, api.VisitorOf(r.Context()).Groups == nil)
	frame := newView(r, f, "/monitor", "Monitor")
	frame.Content, frame.State = p, p.State
	show(w, r, http.StatusOK, "monitor", frame)
}

// monitor tells of all parts; all: whoever asks sees everything.
func (f *fleet) monitor(s *api.Status, all bool) *monitorPage {
	p := &monitorPage{State: "ok", Sentence: "imapvigil works as it should", Notes: s.Notes}
	p.Parts = []monitorPart{f.configPart(s), f.probesPart(s), f.journalPart(s), f.messagesPart(s)}
	if s.Node != nil {
		p.Parts = append(p.Parts, f.nodePart(s.Node))
	}
	if len(s.Destinations) > 0 {
		p.Parts = append(p.Parts, f.destinationsPart(s.Destinations))
	}
	if all { // the others name files, or count what somebody may not see
		p.Parts = append(p.Parts, f.historyPart(s), f.logPart(s))
	}
	var bad []string
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.State == "ok" || part.State == noState {
			continue
		}
		bad = append(bad, strings.ToLower(part.Name))
		if p.State != "down" {
			p.State = part.State
		}
	}
	if len(bad) > 0 {
		p.Sentence = "Something is wrong with " + listed(bad)
	}
	return p
}

func (m *monitorPart) add(name, text string) {
	if text != "" {
		m.Facts = append(m.Facts, fact{Name: name, Text: text})
	}
}

func (m *monitorPart) addTime(name string, at stamp) {
	if at.Known() {
		m.Facts = append(m.Facts, fact{Name: name, Time: at})
	}
}

// nodePart says what the node is among the others.
func (f *fleet) nodePart(n *api.Node) monitorPart {
	m := monitorPart{Name: "Node", State: "ok", Word: n.Name + " follows " + n.Decider + ", which decides for all nodes"}
	switch {
	case n.Role == api.Alone:
		m.State, m.Word = "down", n.Name+" is alone: it reaches no node that decides, and decides for itself"
	case n.Role == api.Deciding:
		m.Word = n.Name + " decides for all nodes"
	case n.Decider == "":
		m.State, m.Word = "down", n.Name+" reaches no node that decides"
	}
	m.add("Location", n.Location)
	m.addTime("So since", f.clock.at(n.Since))
	return m
}

func (f *fleet) configPart(s *api.Status) monitorPart {
	c := &s.Config
	m := monitorPart{Name: "Configuration", State: "ok", Word: "the files are in force", Error: c.Error}
	switch c.State {
	case api.Rejected:
		m.State, m.Word = "down", "the files are in error, and what ran before goes on"
	case api.LastGood:
		m.State, m.Word = "down", "the files are in error, and the last good ones are in force"
	case api.Current:
	}
	m.addTime("In error since", f.clock.at(known(c.RejectedAt)))
	m.addTime("In force since", f.clock.at(known(c.LoadedAt)))
	if c.LastReload != nil {
		m.addTime("Last reload", f.clock.at(&c.LastReload.At))
		m.add("It changed", c.LastReload.Changes)
	}
	if c.Digest != "" {
		m.Facts = append(m.Facts, fact{Name: "Digest", Text: c.Digest[:min(16, len(c.Digest))], Mono: true})
	}
	m.add("Changes are noticed", c.Polling)
	return m
}

// known returns a time, or nil for one that is not known.
func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func (f *fleet) probesPart(s *api.Status) monitorPart {
	m := monitorPart{Name: "Probes", State: "ok", Word: "they begin when they should"}
	if s.Probes.Late() {
		m.State, m.Word = "degraded", "they begin late, because this machine has too much to do"
	}
	m.add("Latest begin", shortTime(time.Duration(s.Probes.LagS*float64(time.Second)))+" after its turn, in the last minutes")
	if s.Probes.Waiting > 0 {
		m.add("Waiting for a place", counted(s.Probes.Waiting, "check", "checks"))
	}
	if s.Probes.Overdue > 0 {
		m.add("Overdue", counted(s.Probes.Overdue, "check", "checks"))
	}
	m.add("Checks", grouped(f.count))
	return m
}

func (f *fleet) journalPart(s *api.Status) monitorPart {
	j := &s.Journal
	m := monitorPart{Name: "Journal", State: "ok", Word: "all is safe on the disk", Error: j.Error}
	switch {
	case !j.Durable:
		m.State, m.Word = "down", "it cannot be written, so a restart would forget what happens now"
	case j.Damaged:
		m.State, m.Word = "degraded", "a part of it is damaged, and set aside"
	}
	if !j.Clean {
		m.add("Last end", "The daemon before this one did not close it: it was killed, or the machine stopped.")
	}
	if j.TornBytes > 0 {
		m.add("Cut off", counted(int(j.TornBytes), "byte", "bytes")+" of a write that was interrupted")
	}
	m.add("Set aside", strings.Join(j.Quarantined, ", "))
	return m
}

func (f *fleet) messagesPart(s *api.Status) monitorPart {
	n := &s.Notifications
	m := monitorPart{Name: "Messages", State: "ok", Word: "none waits"}
	switch {
	case n.Dead > 0:
		m.State, m.Word = "down", counted(n.Dead, "was", "were")+" not delivered"
	case n.Retrying > 0:
		m.State, m.Word = "degraded", counted(n.Retrying, "is", "are")+" tried again"
	case n.Queued > 0:
		m.Word = counted(n.Queued, "waits", "wait")
	}
	m.Facts = append(m.Facts, fact{Name: "All messages", Text: "Deliveries", Link: "/deliveries"})
	if n.Held > 0 {
		m.add("Held back", grouped(n.Held))
	}
	failing := make([]string, len(n.Failing))
	for i, id := range n.Failing {
		failing[i] = string(id)
	}
	m.add("Notifiers with trouble", strings.Join(failing, ", "))
	return m
}

// destinationsPart tells when messages last arrived where they go.
func (f *fleet) destinationsPart(list []api.Destination) monitorPart {
	m := monitorPart{Name: "Destinations", State: "ok", Word: "when a message last arrived"}
	for i := range list {
		d := &list[i]
		name := roleLabel(f.Config, d.Role) + " by " + string(d.Notifier)
		if d.FailedAt != nil {
			m.State, m.Word = "degraded", "a test message was not delivered"
			m.add(name, "test message not delivered "+f.clock.at(d.FailedAt).Near())
			continue
		}
		if at := f.clock.at(d.ProvedAt); at.Known() {
			m.addTime(name, at)
			continue
		}
		m.add(name, "none yet")
	}
	return m
}

func (f *fleet) historyPart(s *api.Status) monitorPart {
	m := monitorPart{Name: "History", State: noState, Word: "there is none"}
	h := s.History
	if h == nil {
		return m
	}
	m.State, m.Word, m.Error = "ok", "it is written", h.Error
	if !h.Writable {
		m.State, m.Word = "degraded", "it is not written now; alarms do not need it"
	}
	m.addTime("Since", f.clock.at(h.Since))
	m.add("Size", megabytes(h.SizeBytes))
	if h.Dropped > 0 {
		m.add("Lost", counted(int(min(h.Dropped, 1<<40)), "observation", "observations"))
	}
	return m
}

func megabytes(n int64) string {
	const mega = 1 << 20
	if n < 10*mega {
		return fmt.Sprintf("%.1f MB", float64(n)/mega)
	}
	return grouped(int(n/mega)) + " MB"
}

func (f *fleet) logPart(s *api.Status) monitorPart {
	m := monitorPart{Name: "Log", State: "ok", Word: "all lines are written"}
	if s.Log.Lost > 0 {
		m.State, m.Word = "degraded", counted(int(s.Log.Lost), "line was", "lines were")+" lost since the start"
		m.addTime("The last one", f.clock.at(s.Log.LastLostAt))
	}
	if s.Log.Waiting > 0 {
		m.add("Waiting", counted(s.Log.Waiting, "line", "lines")+", the first for "+shortTime(time.Duration(s.Log.WaitingS*float64(time.Second))))
	}
	return m
}
