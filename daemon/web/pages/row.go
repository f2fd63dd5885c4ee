package pages

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A checkRow is one check in a list.
type checkRow struct {
	ID         config.CheckID
	Link, Name string
	Host       string
	State      shownState
	What       string // in our words; empty: nothing is wrong
	Hint       string
	From       string // which of several nodes see it
	Since      stamp
	Owner      string // who works on it; empty: nobody does
	Muted      string // until when nothing is sent; empty: all is sent
	Latency    string
	Strip      *strip // nil: there is no history
	Percent    string
}

// rowOf returns a check as lists show it.
func (f *fleet) rowOf(c *api.Check) checkRow {
	row := checkRow{
		ID: c.ID, Link: checkLink(c.ID), Name: nameOf(c, f.Config), Host: hostPort(c), State: shownState(c.State),
		What: f.whatIsWrong(c), Hint: c.Hint, From: c.From, Since: f.clock.at(c.Since), Owner: ownerOf(c), Latency: milliseconds(c.LatencyMS),
	}
	if until := f.clock.at(c.SilencedUntil); until.Known() {
		row.Muted = "silenced until " + until.Near()
	}
	if !troubled(c.State) || c.State == incident.CheckRecovering {
		row.Hint, row.From = "", ""
	}
	if f.bars != nil {
		if past, known := f.bars.checks[c.ID]; known {
			row.Strip, row.Percent = f.bars.strip(past)
		}
	}
	return row
}

// nameOf returns what people call a check: the labels of its server and of itself, or else
// its id.
func nameOf(c *api.Check, cfg *config.Config) string {
	if c.Label == "" || c.Label == string(c.ID) {
		return string(c.ID)
	}
	if cfg == nil || c.Server == "" {
		return c.Label
	}
	s := cfg.Servers[config.ServerID(c.Server)]
	if s == nil || strings.HasPrefix(c.Label, s.Label) {
		return c.Label
	}
	return s.Label + ", " + c.Label
}

func hostPort(c *api.Check) string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// whatIsWrong says in our words why a check is in its state; empty: nothing is wrong.
func (f *fleet) whatIsWrong(c *api.Check) string {
	now := f.clock
	switch c.State {
	case incident.CheckOK, incident.CheckPaused:
		return ""
	case incident.CheckMaintenance:
		return maintenanceText(c.Maintenance, now)
	case incident.CheckUnknown:
		if c.IsUnreported() {
			return "No node reports on it"
		}
		switch {
		case c.LastProbeAt == nil && f.seesNoLocations:
			return "Not known here: only the node that decides knows how it is"
		case c.LastProbeAt == nil:
			return "Not probed yet"
		}
	case incident.CheckRecovering:
		if ends := now.at(c.ClosesAt); ends.Known() {
			return "Well again, not for long enough yet: certain at " + ends.Near()
		}
	case incident.CheckDown, incident.CheckDegraded, incident.CheckFailing:
	}
	text := causeText(config.Cause(c.Cause), config.ParsePhase(c.Phase))
	if from := now.at(c.ReportedFrom); c.State == incident.CheckFailing && from.Known() {
		text += ", reported at " + from.Near() + " if it stays so"
	}
	return text
}

// causeText says a cause in plain words, and in which phase it showed where that tells more.
func causeText(cause config.Cause, phase config.Phase) string {
	text := cmp.Or(cause.Text(), strings.ReplaceAll(string(cause), "_", " "))
	if text == "" {
		return "Not known"
	}
	if when := phase.When(); when != "" && len(cause.Phases()) != 1 {
		text += " " + when
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func maintenanceText(m *api.Maintenance, now clock) string {
	if m == nil {
		return "In maintenance"
	}
	text := "In maintenance " + m.Name
	if until := now.at(m.Until); until.Known() {
		text += " until " + until.Near()
	}
	return text
}

// ownerOf says who works on the incidents of a check.
func ownerOf(c *api.Check) string {
	if len(c.Acknowledged) == 0 {
		return ""
	}
	return cmp.Or(c.Acknowledged[0].By, "somebody") + " works on it"
}

// milliseconds returns how long something took; empty: that is not known.
func milliseconds(ms *float64) string {
	if ms == nil {
		return ""
	}
	return shortTime(time.Duration(*ms * float64(time.Millisecond)))
}

// shortTime returns the time that a conversation or a phase of it took, to three figures.
func shortTime(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.2f s", ms/1000)
	}
}
