package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A statusPage writes what `status` shows to people: first what is wrong with the monitor
// itself, then what is wrong with the checks, then all else.
type statusPage struct {
	*program
	screen
	now time.Time
	all bool // each check has a line of its own
	// labels are what people call groups, by their paths.
	labels map[string]string
	cut    bool // something was said of several checks at once, or left out
	// seesNoLocations says that this node cannot know what other nodes see.
	seesNoLocations bool
	text            strings.Builder
}

// stateRoom is how many columns the word of a state has, with those around it.
const stateRoom = 2 + len(incident.CheckMaintenance) + 2

// newStatusPage makes a page for the screen that the program writes to.
func (p *program) newStatusPage(now time.Time) *statusPage {
	g := &statusPage{screen: p.screenOf(p.out), now: now}
	// What this program prints is a part of the page.
	inside := *p
	inside.out, inside.screen = &g.text, &g.screen
	g.program = &inside
	return g
}

func (g *statusPage) line(text string) { g.text.WriteString(text + "\n") }

// fold writes text in lines that are indented alike.
func (g *statusPage) fold(indent, text string) {
	if text != "" {
		g.line(foldTo(g.width, indent, text))
	}
}

// foldBelowState writes text under the entry that it belongs to.
func (g *statusPage) foldBelowState(text string) { g.fold(spaces(stateRoom), text) }

// writeTrouble writes what people should not overlook, and what to type about it, which stays on
// one line where it can.
func (g *statusPage) writeTrouble(t trouble) {
	text := t.text
	if t.command != "" {
		text += ":"
	}
	lines := strings.Split(foldTo(g.width, "! ", text), "\n")
	switch last := len(lines) - 1; {
	case t.command == "":
	case config.Columns(lines[last]+" "+t.command) <= g.width:
		lines[last] += " " + t.command
	default:
		lines = append(lines, strings.Split(foldTo(g.width, "!   ", t.command), "\n")...)
	}
	for _, line := range lines {
		// Each line has its own colour: watch writes them one by one.
		g.line(g.screen.paint(string(incident.CheckDown), line))
	}
}

// write writes the page. Of a status that is filtered only those silences are shown that
// concern the checks.
func (g *statusPage) write(s api.Status, filtered bool) {
	g.nameGroups(s.Groups)
	g.header(s)
	g.monitor(s)
	g.silences(s, filtered)
	checks := make([]*api.Check, 0, len(s.Checks))
	for i := range s.Checks {
		checks = append(checks, &s.Checks[i])
	}
	troubled, uneventful := splitTroubles(checks)
	entries := g.troubles(troubled, checks)
	g.writeUneventful(uneventful)
	if !filtered {
		g.proofs(s.Destinations)
	}
	g.writeNextCommands(entries)
}

func (g *statusPage) nameGroups(groups []api.Group) {
	g.labels = make(map[string]string, len(groups))
	for _, group := range groups {
		g.labels[string(group.ID)] = group.Label
	}
}

// groupWithLabel returns the path of a group, with its label where it has one and there is room.
func (g *statusPage) groupWithLabel(group string, room int) string {
	if named := group + " (" + g.labels[group] + ")"; g.labels[group] != "" && config.Columns(named) <= room {
		return named
	}
	return group
}

// header writes when this was, and how many checks are in which state.
func (g *statusPage) header(s api.Status) {
	at, counts := g.formatTime(s.GeneratedAt), countStates(s.Checks)
	if line := at + "  " + counts; config.Columns(line) <= g.width {
		g.line(line)
	} else {
		g.fold("", at)
		g.fold("  ", counts)
	}
	g.node(s.Node)
}

// node writes which of several nodes answers, and which decides. Of one that hears no other, the notes say
// so, and since when.
func (g *statusPage) node(n *api.Node) {
	g.seesNoLocations = n.SeesNoLocations()
	if n != nil && n.Role != api.Alone && n.Decider != "" {
		g.fold("", whoDecides(*n))
	}
}

// monitor writes what is wrong with the monitor itself.
func (g *statusPage) monitor(s api.Status) {
	troubles := append(g.troubleLines(s), lostSilences(s.Silences)...)
	if len(troubles) > 0 {
		g.line("")
	}
	for _, t := range troubles {
		g.writeTrouble(t)
	}
	if len(s.Notes) > 0 {
		g.line("")
	}
	for _, note := range s.Notes {
		g.fold("  ", note)
	}
}

// lostSilences returns what to say of silences that cover nothing.
func lostSilences(list []api.ListedSilence) (troubles []trouble) {
	for _, s := range list {
		if s.Checks == 0 && s.Scope.Role == "" {
			troubles = append(troubles, trouble{fmt.Sprintf("A silence about %s covers no check; to end it", s.Scope), "imapvigil silence remove " + s.ID})
		}
	}
	return troubles
}

// mostSilences is how many silences the status shows.
const mostSilences = 5

// silences writes what is silenced.
func (g *statusPage) silences(s api.Status, filtered bool) {
	concerned := map[string]bool{}
	for i := range s.Checks {
		for _, id := range s.Checks[i].Silences {
			concerned[id] = true
		}
	}
	list := slices.DeleteFunc(slices.Clone(s.Silences), func(s api.ListedSilence) bool {
		return s.Checks == 0 && s.Scope.Role == "" || filtered && !concerned[s.ID]
	})
	if len(list) > 0 {
		g.line("")
	}
	for i, s := range list {
		if i == mostSilences {
			g.fold("  ", fmt.Sprintf("and %d more: imapvigil silence list", len(list)-i))
			break
		}
		about := s.Scope.String()
		if s.Scope.Check == "" && s.Checks > 0 {
			about += " (" + plural(s.Checks, "check") + ")"
		}
		g.fold("  ", withReason("silenced"+byAuthor(s.By)+g.untilTime(&s.Until)+": "+about, s.Reason))
	}
}

// splitTroubles returns the checks that need a person, the worst first, and the others.
func splitTroubles(checks []*api.Check) (troubled, uneventful []*api.Check) {
	for _, c := range checks {
		switch c.State {
		case incident.CheckOK, incident.CheckPaused, incident.CheckMaintenance:
			if c.State == incident.CheckOK && c.Asking() != "" {
				troubled = append(troubled, c) // it may be down within seconds
				continue
			}
			uneventful = append(uneventful, c)
		case incident.CheckDown, incident.CheckFailing, incident.CheckDegraded, incident.CheckRecovering, incident.CheckUnknown:
			troubled = append(troubled, c)
		}
	}
	sortTroubles(troubled)
	return troubled, uneventful
}

// troubles writes the checks that need a person, and returns how it names them.
func (g *statusPage) troubles(troubled, all []*api.Check) (entries []statusEntry) {
	if len(troubled) == 0 {
		return nil
	}
	if g.all {
		for _, c := range troubled {
			entries = append(entries, single(c))
		}
	} else {
		entries = foldEntries(troubled, all)
	}
	left := 0
	if more := len(entries) - mostEntries; more > 0 && !g.all {
		for _, e := range entries[mostEntries:] {
			left += len(e.checks)
		}
		entries = entries[:mostEntries]
	}
	g.line("")
	rows := make([][]string, 0, len(entries))
	for i := range entries {
		rows = append(rows, g.troubleRow(&entries[i]))
	}
	lines := alignColumns(g.width-stateRoom, []column{{}, {rank: 2}, {rank: 3}, {rank: 1}}, rows)
	for i := range entries {
		g.writeRow(entries[i].firstCheck().State, lines[i], g.ending(entries[i].checks))
		g.reason(&entries[i])
		g.cut = g.cut || len(entries[i].checks) > 1
	}
	if left > 0 {
		g.cut = true
		g.foldBelowState(fmt.Sprintf("and %s more", plural(left, "check")))
	}
	return entries
}

// writeRow writes the lines of a table's row, the first of them behind the word of a state, and
// a note, if there is one, behind them or below.
func (g *statusPage) writeRow(state incident.CheckState, lines []string, note string) {
	if last := len(lines) - 1; note != "" && stateRoom+config.Columns(lines[last]+columnGap+note) <= g.width {
		lines[last] += columnGap + note
		note = ""
	}
	for i, line := range lines {
		if i == 0 {
			word := g.screen.paint(string(state), string(state))
			g.line("  " + word + spaces(stateRoom-2-len(state)) + line)
			continue
		}
		g.line(spaces(stateRoom) + line)
	}
	g.foldBelowState(note)
}

// troubleRow returns name, place, label, and since when.
func (g *statusPage) troubleRow(e *statusEntry) []string {
	c := e.firstCheck()
	row := []string{e.name, "", "", g.timing(e.checks)}
	switch {
	case len(e.checks) == 1:
		row[1], row[2] = hostPort(c), labelOf(c)
	case countIf(e.checks, func(o *api.Check) bool { return o.Host == c.Host }) == len(e.checks):
		row[1] = c.Host
	}
	return row
}

// hostPort returns what is probed: mail.example.org:993, or [2001:db8::1]:993.
func hostPort(c *api.Check) string {
	if strings.Contains(c.Host, ":") {
		return fmt.Sprintf("[%s]:%d", c.Host, c.Port)
	}
	return fmt.Sprintf("%s:%d", c.Host, c.Port)
}

// labelOf returns the label of a check, if it says more than its name.
func labelOf(c *api.Check) string {
	if c.Label == string(c.ID) {
		return ""
	}
	return c.Label
}

// timing says since when checks are in their state, of several the first.
func (g *statusPage) timing(checks []*api.Check) string {
	var since *time.Time
	for _, c := range checks {
		since = earlier(since, c.Since)
	}
	if since == nil {
		return ""
	}
	return "since " + notifiers.Duration(g.now.Sub(*since))
}

// ending says when the state of checks may end, of several the first to.
func (g *statusPage) ending(checks []*api.Check) string {
	var until *time.Time
	what := ""
	for _, c := range checks {
		switch {
		case c.State == incident.CheckFailing && c.ReportedFrom != nil:
			until, what = earlier(until, c.ReportedFrom), "reported in "
		case c.State == incident.CheckRecovering && c.ClosesAt != nil:
			until, what = earlier(until, c.ClosesAt), "closes in "
		}
	}
	if until == nil {
		return ""
	}
	// Not before a probe says so, which may be later.
	return what + notifiers.Duration(max(until.Sub(g.now), 0))
}

// earlier returns the earlier of two times, of which either may not be known.
func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// reason writes why an entry is as it is, and what people do about it.
func (g *statusPage) reason(e *statusEntry) {
	c := e.firstCheck()
	if names := serverNamesOf(e); e.server == "" && len(names) > 1 {
		g.foldBelowState(joinFirstFew(names))
	}
	why := strings.TrimSpace(c.Phase + " " + c.Cause)
	switch sameHint := func(o *api.Check) bool { return o.Hint == c.Hint }; {
	case c.Cause == "" && c.State == incident.CheckUnknown && c.LastProbeAt == nil && g.seesNoLocations:
		g.foldBelowState("not known here: only the node that decides knows how it is")
	case c.Cause == "" && c.State == incident.CheckUnknown && c.LastProbeAt == nil:
		g.foldBelowState("not probed yet")
	case c.Cause == "":
	case c.IsUnreported(): // the cause is that of a node, which may lack the files
		g.foldBelowState(c.Hint)
	case c.Hint == "":
		g.foldBelowState(why)
	case countIf(e.checks, sameHint) == len(e.checks):
		g.foldBelowState(why + ": " + c.Hint)
	default:
		g.foldBelowState(fmt.Sprintf("%s, as of %s: %s", why, c.ID, c.Hint))
	}
	g.writeSeenFrom(e)
	g.foldBelowState(g.handling(e.checks))
	g.writeLastHour(c.ID, stateRoom)
}

// serverNamesOf returns the servers of the checks of an entry, or the checks that are of none.
func serverNamesOf(e *statusEntry) (names []string) {
	for _, c := range e.checks {
		name := c.Server
		if name == "" {
			name = string(c.ID)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// joinFirstFew joins some names, and says how many more there are.
func joinFirstFew(names []string) string {
	const few = 8
	if more := len(names) - few; more > 1 {
		names = append(slices.Clone(names[:few]), fmt.Sprintf("%d more", more))
	}
	return lookup.Enumerate(names, "and")
}

// handling says which incidents checks have, and what people do about them.
func (g *statusPage) handling(checks []*api.Check) string {
	var ids []string
	var acknowledged []api.Acknowledgement
	silenced := 0
	for _, c := range checks {
		for _, id := range c.Incidents {
			ids = append(ids, string(id))
		}
		acknowledged = append(acknowledged, c.Acknowledged...)
		if c.SilencedUntil != nil {
			silenced++
		}
	}
	var parts []string
	switch n := len(ids); {
	case n == 1:
		parts = append(parts, "incident "+ids[0])
	case n > 1 && n <= 3:
		parts = append(parts, "incidents "+lookup.Enumerate(ids, "and"))
	case n > 3:
		parts = append(parts, plural(n, "incident"))
	}
	switch n := len(acknowledged); {
	case n > 0 && n == len(ids):
		parts = append(parts, g.acknowledgement(acknowledged[0]))
	case n > 0:
		parts = append(parts, fmt.Sprintf("%d of them acknowledged", n))
	}
	switch {
	case silenced == len(checks):
		parts = append(parts, "silenced until "+g.formatMinute(*checks[0].SilencedUntil))
	case silenced > 0:
		parts = append(parts, fmt.Sprintf("%d of %d silenced", silenced, len(checks)))
	}
	return strings.Join(parts, ", ")
}

// acknowledgement says that a person works on an incident.
func (g *statusPage) acknowledgement(a api.Acknowledgement) string {
	return withReason("acknowledged"+byAuthor(a.By)+g.untilTime(a.Until), a.Reason)
}

// byAuthor names the author of something; older journals do not know one.
func byAuthor(author string) string {
	if author == "" {
		return ""
	}
	return " by " + strings.TrimPrefix(author, "by ") // one who came by a link has no name
}

func (g *statusPage) untilTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return " until " + g.formatMinute(*t)
}

// withReason appends the reason that a person gave, if any.
func withReason(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}

// writeNextCommands writes what may be typed next.
func (g *statusPage) writeNextCommands(entries []statusEntry) {
	var lines []string
	if g.cut {
		lines = append(lines, "Every check: imapvigil status --all")
	}
	if len(entries) > 0 {
		lines = append(lines, "Details: imapvigil status "+entries[0].argument())
	}
	for i := range entries {
		if c := entries[i].firstCheck(); len(c.Incidents) > len(c.Acknowledged) {
			lines = append(lines, "Acknowledge: imapvigil ack "+entries[i].argument()+" --reason TEXT")
			break
		}
	}
	if len(lines) > 0 {
		g.line("")
	}
	for _, text := range lines {
		g.fold("", text)
	}
}
