package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// mostDetails is how many checks are shown in detail; more are a list.
const mostDetails = 10

// addDetails asks for the details of the checks of a status, if some were named and they
// are few.
func addDetails(ctx context.Context, client *api.Client, s *api.Status, f statusFilter) error {
	if len(f.names) == 0 || len(s.Checks) > mostDetails {
		return nil
	}
	for i := range s.Checks {
		c, err := client.Check(ctx, s.Checks[i].ID)
		if err != nil {
			return err
		}
		s.Checks[i] = c
	}
	return nil
}

// details writes all that is known of each check.
func (g *statusPage) details(s api.Status) {
	g.nameGroups(s.Groups)
	g.line(g.formatTime(s.GeneratedAt))
	g.node(s.Node)
	g.monitor(s)
	for i := range s.Checks {
		g.line("")
		g.detail(&s.Checks[i], s.Silences)
	}
}

// detail writes all that is known of a check.
func (g *statusPage) detail(c *api.Check, silences []api.ListedSilence) {
	title := g.screen.paint(string(c.State), strings.ToUpper(string(c.State))) + "  " + string(c.ID)
	if label := labelOf(c); label != "" && config.Columns(label)+config.Columns(string(c.ID))+len(c.State)+4 <= g.width {
		title += "  " + label
	}
	g.line(title)
	g.writeReason(c)
	g.writeFacts(c)
	g.writeLastHour(c.ID, 2)
	g.writeLocations(c)
	g.incidentsOf(c)
	g.plannedFor(c, silences)
	if c.Forecast != nil && len(c.Incidents) == 0 {
		g.line("")
		g.printForecast(c.Forecast, false)
	}
	if len(c.Last) > 0 {
		g.line("")
		g.fold("", "Last probe, "+timeAgo(c.LastProbeAt, g.now))
	}
	g.printAddresses(c.Last)
}

// writeReason writes since when a check is in its state, and the reason.
func (g *statusPage) writeReason(c *api.Check) {
	if c.Since != nil {
		text := fmt.Sprintf("since %s (%s)", notifiers.Duration(g.now.Sub(*c.Since)), g.formatTime(*c.Since))
		if ending := g.ending([]*api.Check{c}); ending != "" {
			text += ", " + ending
		}
		g.fold("  ", text)
	}
	switch {
	case c.IsUnreported():
		g.fold("  ", c.Hint)
	case c.Cause != "" && c.State != incident.CheckOK:
		g.fold("  ", strings.TrimSuffix(strings.TrimSpace(c.Phase+" "+c.Cause)+": "+c.Hint, ": "))
	}
	g.fold("  ", seenFrom(c))
	g.fold("  ", c.Asking())
	if !c.Evidence.IsZero() {
		g.fold("  > ", c.Evidence.String())
	}
	g.fold("  ", c.Description)
}

// writeFacts writes where a check is, and when it is probed.
func (g *statusPage) writeFacts(c *api.Check) {
	security := map[config.Security]string{config.TLSFromStart: "TLS", config.StartTLS: "STARTTLS", config.Plain: "no encryption"}
	g.writeFact("host", hostPort(c)+", "+cmp.Or(security[c.Security], string(c.Security)))
	g.writeFact("group", g.groupWithLabel(strings.Join(c.Groups, "/"), g.width-factRoom))
	if c.File != "" {
		g.writeFact("written in", fmt.Sprintf("%s:%d", c.File, c.Line))
	}
	g.writeFact("runbook", c.Runbook)
	switch {
	case c.State == incident.CheckPaused:
		g.writeFact("next probe", "none: the check is paused (enabled = false)")
	case c.NextProbeAt == nil:
	case c.NextProbeAt.After(g.now):
		g.writeFact("next probe", "in "+notifiers.Duration(c.NextProbeAt.Sub(g.now)))
	default:
		g.writeFact("next probe", "now")
	}
	g.writeFact("roles", cmp.Or(joined(c.Roles), "none: nobody is notified"))
}

// factRoom is how many columns the name of a fact has, with those around it.
const factRoom = 14

// writeFact writes a line with a name; nothing if there is nothing to say.
func (g *statusPage) writeFact(name, text string) {
	if text == "" {
		return
	}
	lines := foldTo(g.width, spaces(factRoom), text)
	g.line("  " + name + spaces(factRoom-2-len(name)) + lines[factRoom:])
}

// mostHistory is how many closed incidents of a check are shown.
const mostHistory = 3

// incidentsOf writes the open incidents of a check, and the last of the others, the newest
// first.
func (g *statusPage) incidentsOf(c *api.Check) {
	list := slices.Clone(c.History)
	slices.Reverse(list)
	closed := 0
	list = slices.DeleteFunc(list, func(i api.Incident) bool {
		if i.State != incident.StatusClosed {
			return false
		}
		closed++
		return closed > mostHistory
	})
	if len(list) == 0 {
		return
	}
	g.line("")
	g.line("Incidents")
	for _, i := range list {
		state := g.screen.paint(incidentColour(i), string(i.State))
		// Two columns between the words, whatever the codes of colours.
		g.line(fmt.Sprintf("  %s  %s%s  %s", i.ID, state, spaces(len("acknowledged")-len(i.State)), g.formatMinute(i.StartedAt)))
		g.fold(spaces(14), incidentLine(i))
		for _, a := range c.Acknowledged {
			if a.Incident == i.ID {
				g.fold(spaces(14), g.acknowledgement(a))
			}
		}
		if i.State != incident.StatusClosed {
			g.messagesOf(&i)
		}
	}
	if closed > mostHistory {
		g.fold("  ", fmt.Sprintf("and %d closed before", closed-mostHistory))
	}
	g.fold("  ", "One in detail, with its messages: imapvigil incidents "+string(list[0].ID))
}

// messagesOf writes who was notified of an open incident, and who was not and why.
func (g *statusPage) messagesOf(i *api.Incident) {
	for _, d := range i.Deliveries {
		to := strings.TrimSpace(askedBy(d) + " by " + d.Notifier + " " + maskTarget(d.Kind, d.Target))
		g.fold(spaces(14), fmt.Sprintf("%s to %s: %s, %s", d.Transition, to, d.State, g.formatMinute(d.At)))
	}
	for _, h := range i.Held {
		if h.Reason != api.HeldByLimit { // it stands among the messages
			g.fold(spaces(14), g.describeHeld(h))
		}
	}
}

// plannedFor writes the silences and the maintenance that a check is in.
func (g *statusPage) plannedFor(c *api.Check, silences []api.ListedSilence) {
	var lines []string
	if m := c.Maintenance; m != nil {
		lines = append(lines, "in maintenance "+g.maintenance(m))
	}
	for _, s := range silences {
		if slices.Contains(c.Silences, s.ID) {
			lines = append(lines, withReason("silenced"+byAuthor(s.By)+g.untilTime(&s.Until)+", silence "+s.ID+" of "+s.Scope.String(), s.Reason))
		}
	}
	if len(lines) > 0 {
		g.line("")
		g.line("Nothing is sent")
	}
	for _, text := range lines {
		g.fold("  ", text)
	}
}
