package pages

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A checkPage is all that there is to see of one check: what a person wants to know at night
// first, pictures after it.
type checkPage struct {
	ID       config.CheckID
	Name     string
	Crumbs   []crumb
	State    shownState
	Since    stamp
	What     string
	Hint     string
	Quote    string // what the server said
	Night    []nightFact
	Open     *openIncident // what can be acknowledged; nil: nothing
	Runbook  string
	Silences bool // it is silenced already

	Asking    string        // which nodes are to probe again; empty: none is
	Locations []locationRow // empty: one machine watches on its own
	// NoLocations says that this node cannot know what the others see.
	NoLocations bool
	Unreported  bool // of the nodes that probe it, none reports
	Waterfalls  []waterfall
	Usual       string // how far back the median behind the waterfalls looks
	Limits      bool   // some phase has a limit
	Probed      string // when, in words; empty: it was not
	Uptime      *uptime
	Latency     *latencyChart
	Elsewhere   *elsewhereTable // nil: one machine watches on its own
	Certs       *certChart
	Incidents   []incidentRow
	Coming      []comingRow
	Notified    []destinationRow
	Facts       []fact
	History     string // why a part of the page is empty
}

// A crumb leads to what the check is in.
type crumb struct{ Text, Link string }

// A nightFact answers one of the questions that a person has who is woken up.
type nightFact struct {
	Question string
	Answers  []string
	Bad      bool
}

// An openIncident is what can be acknowledged.
type openIncident struct {
	ID    incident.ID
	Link  string
	Acked bool
}

// A comingRow is something that time alone will bring.
type comingRow struct {
	At   stamp
	Text string
}

// A destinationRow is who would be notified of a failure, and when.
type destinationRow struct {
	After string // since it is reported
	Who   string
	Note  string
}

func (v *viewer) serveCheck(w http.ResponseWriter, r *http.Request) {
	c, err := api.CheckFor(r.Context(), v.Daemon, config.CheckID(r.PathValue("id")))
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	p := f.checkPage(&c, api.VisitorOf(r.Context()))
	p.NoLocations = len(p.Locations) == 0 && v.Daemon.Self().Node.SeesNoLocations()
	v.addPast(r.Context(), f, p, &c, readWindow(r))
	frame := newFrame(r, f.Config, "", p.Name)
	frame.Content, frame.At, frame.State, frame.Live = p, f.clock.at(&f.At), p.State, "check"
	frame.Refresh = true
	if len(p.Locations) > 0 || p.Elsewhere != nil {
		frame.Sheets = []string{"views.css"} // for the table
	}
	show(w, r, http.StatusOK, "check", frame)
}

// checkPage makes what is known of a check without the history.
func (f *fleet) checkPage(c *api.Check, visitor *api.Visitor) *checkPage {
	row := f.rowOf(c)
	p := &checkPage{
		ID: c.ID, Name: row.Name, Crumbs: f.crumbs(c), State: row.State, Since: row.Since, What: row.What, Hint: row.Hint, Runbook: webAddress(c.Runbook),
		Silences: len(c.Silences) > 0, Facts: f.checkFacts(c), Locations: f.locationRows(c), Asking: capitalised(c.Asking()), Unreported: c.IsUnreported(),
	}
	if last := f.clock.at(c.LastProbeAt); last.Known() {
		p.Probed = "Probed " + last.Relative()
	}
	if troubled(c.State) && !c.Evidence.IsZero() {
		p.Quote = c.Evidence.String()
	}
	if troubled(c.State) || len(c.Incidents) > 0 {
		p.Night = f.nightFacts(c, visitor)
	}
	for i := len(c.History) - 1; i >= 0; i-- {
		in := &c.History[i]
		if in.State != incident.StatusClosed && p.Open == nil {
			p.Open = &openIncident{in.ID, incidentLink(in.ID), in.State == incident.StatusAcknowledged}
		}
		p.Incidents = append(p.Incidents, f.incidentRow(in))
	}
	for i := range c.Coming {
		p.Coming = append(p.Coming, comingRow{f.clock.at(&c.Coming[i].At), comingText(&c.Coming[i], f.Config)})
	}
	if c.Forecast != nil {
		p.Notified = destinationRows(c.Forecast, f.Config, visitor)
	}
	return p
}

func (f *fleet) crumbs(c *api.Check) (list []crumb) {
	list = append(list, crumb{"Overview", "/"})
	if f.Config == nil || f.Config.Checks[c.ID] == nil {
		return list
	}
	var outer config.GroupID
	for _, g := range f.Config.Checks[c.ID].Path {
		list = append(list, crumb{f.groupLabel(g, outer), groupLink(g)})
		outer = g
	}
	return list
}

// nightFacts answers who is affected, whether it is this machine, who was told, and whether
// somebody has answered.
func (f *fleet) nightFacts(c *api.Check, visitor *api.Visitor) []nightFact {
	list := []nightFact{{Question: "Affected", Answers: f.affected(c)}}
	if c.From != "" {
		name, text := notifiers.SeenFrom(c.From)
		list = append(list, nightFact{Question: name, Answers: []string{text}})
	}
	list = append(list, nightFact{Question: "Is it us?", Answers: []string{f.isItUs(c)}})
	told, answered := f.toldOf(c, visitor)
	list = append(list, nightFact{Question: "Notified", Answers: told})
	return append(list, nightFact{Question: "Answered", Answers: []string{answered}, Bad: answered == nobodyAnswered})
}

// affected says what is down with the check: what it is for, and what else of its server.
func (f *fleet) affected(c *api.Check) (list []string) {
	if c.Description != "" {
		list = append(list, c.Description)
	}
	var others []string
	for i := range f.Checks {
		o := &f.Checks[i]
		if o.ID != c.ID && o.Server == c.Server && c.Server != "" && (o.State == incident.CheckDown || o.State == incident.CheckFailing) {
			others = append(others, string(o.ID))
		}
	}
	t := f.servers[config.ServerID(c.Server)]
	switch all := t.all(); {
	case c.Server == "" || all <= 1:
		list = append(list, hostPort(c))
	case len(others) > 0:
		list = append(list, hostPort(c)+"; also down: "+strings.Join(others, ", "))
	default:
		list = append(list, hostPort(c)+"; "+othersOf(t, c.State))
	}
	return list
}

// othersOf says how the other checks of a server are.
func othersOf(t tally, own incident.CheckState) string {
	var words []string
	others := t.all() - 1
	for i, s := range incident.CheckStates() {
		n := int(t[i])
		if s == own {
			n--
		}
		switch {
		case n <= 0:
		case n == others:
			word := strings.ToLower(shownState(s).Word())
			if others == 1 {
				return "the other check of the server is " + word
			}
			return "the other " + grouped(others) + " checks of the server are " + word
		default:
			words = append(words, grouped(n)+" "+strings.ToLower(shownState(s).Word()))
		}
	}
	return "of the other checks of the server " + strings.Join(words, ", ")
}

// isItUs says what speaks for a fault of the monitoring machine, and what against it.
func (f *fleet) isItUs(c *api.Check) string {
	well := f.tally.of(incident.CheckOK)
	if c.IsUnreported() {
		return "Not known: no node that probes it reports, and no server is blamed for that."
	}
	switch cause := config.Cause(c.Cause); {
	case cause == config.CauseLocalFault || cause == config.CauseResolverDown:
		return "Yes: it is this machine, and no server is blamed for it."
	case f.tally.all() == 1:
		return "Not known: there is no other check to compare with."
	case well == 0:
		return "Perhaps: no other check is well either."
	default:
		return "No: from here " + counted(well, "other check is", "other checks are") + " well."
	}
}

const nobodyAnswered = "Nobody has acknowledged."

// toldOf says who was told of the open incidents of a check, and who works on them.
func (f *fleet) toldOf(c *api.Check, visitor *api.Visitor) (told []string, answered string) {
	answered = nobodyAnswered
	for i := range c.History {
		in := &c.History[i]
		if in.State == incident.StatusClosed {
			continue
		}
		for j := range in.Deliveries {
			told = append(told, f.deliveryText(&in.Deliveries[j], visitor))
		}
		for j := range in.Held {
			if in.Held[j].Reason != api.HeldByLimit { // it stands among the deliveries
				told = append(told, f.heldText(&in.Held[j], visitor))
			}
		}
	}
	if len(c.Acknowledged) > 0 {
		a := &c.Acknowledged[0]
		answered = cmp.Or(a.By, "Somebody") + ", " + f.clock.at(&a.At).Near()
		if a.Reason != "" {
			answered += ": “" + a.Reason + "”"
		}
	}
	switch {
	case c.State == incident.CheckFailing:
		told, answered = append(told, "Nobody yet: it is not reported before it has lasted."), "Not needed yet."
	case len(told) == 0:
		told = []string{"Nobody."}
	}
	return told, answered
}

// checkFacts are where a check is written, and what it does.
func (f *fleet) checkFacts(c *api.Check) (facts []fact) {
	add := func(name, text string, mono bool) {
		if text != "" {
			facts = append(facts, fact{Name: name, Text: text, Mono: mono})
		}
	}
	add("Check", string(c.ID), true)
	add("Host", hostPort(c)+", "+securityText(c.Security), false)
	if c.File != "" {
		add("Written in", c.File+":"+itoa(c.Line), true)
	}
	if f.Config != nil && f.Config.Checks[c.ID] != nil {
		check := f.Config.Checks[c.ID]
		add("Probed every", config.FormatDuration(check.Probe.Interval), false)
		add("Reported after", config.FormatDuration(check.Policy.FaultTolerance)+" of failing; closed after "+config.FormatDuration(check.Policy.RecoveryTolerance)+" of being well", false)
	}
	roles := make([]string, len(c.Roles))
	for i, r := range c.Roles {
		roles[i] = f.roleLabel(r)
	}
	add("Roles", cmp.Or(strings.Join(roles, ", "), "none: nobody is notified"), false)
	return facts
}

func securityText(s config.Security) string {
	switch s {
	case config.TLSFromStart:
		return "TLS"
	case config.StartTLS:
		return "STARTTLS"
	case config.Plain:
	}
	return "no encryption"
}

func (f *fleet) roleLabel(id config.RoleID) string { return roleLabel(f.Config, id) }

func roleLabel(cfg *config.Config, id config.RoleID) string {
	if cfg == nil || cfg.Roles[id] == nil {
		return string(id)
	}
	return cmp.Or(cfg.Roles[id].Label, string(id))
}

// webAddress returns a runbook if it is an address of the web: no other is a link.
func webAddress(text string) string {
	if strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") {
		return text
	}
	return ""
}

// usualSpan returns how far back the usual times of phases look: a week, or less where single probes
// are kept for less.
func usualSpan(h config.History) string {
	const week = 7 * aDay
	switch {
	case h.Detail <= 0 || h.Detail >= week:
		return "7 days"
	case h.Detail > 2*aDay:
		return counted(int(h.Detail/aDay), "day", "days")
	}
	return counted(max(1, int(h.Detail/time.Hour)), "hour", "hours")
}

// addPast adds what only the history knows.
func (v *viewer) addPast(ctx context.Context, f *fleet, p *checkPage, c *api.Check, win window) {
	ctx, cancel := context.WithTimeout(ctx, barsTime)
	defer cancel()
	past := v.history()
	var check *config.Check
	if f.Config != nil {
		check = f.Config.Checks[c.ID]
	}
	if past == nil || check == nil {
		p.History = "There is no history."
		p.Waterfalls = waterfallsOf(c, check, nil)
		return
	}
	all, several := past.(*elsewhere.Past)
	if several {
		all.Begin(ctx, win.queryOf(c.ID, f.At))
	}
	p.Limits = check.Probe.Thresholds != config.PhaseTimes{}
	ghosts, _ := past.Ghost(ctx, c.ID) // without them the picture has no past, and says so
	p.Waterfalls = waterfallsOf(c, check, ghosts)
	p.Usual = usualSpan(f.Config.History)
	up, err := f.uptime(ctx, past, check, win)
	if err != nil {
		p.History = "The history cannot be read now: " + err.Error() + "."
		return
	}
	p.Uptime = up
	p.Latency, _ = f.latency(ctx, past, check, up, win) // what failed a moment later fails for the same reason
	if several {
		p.Elsewhere = latencyElsewhere(ctx, all, c.ID, f.At, win)
	}
	certs, _ := past.Certificates(ctx, c.ID)
	p.Certs = f.certChart(certs)
}

func between(from, to time.Time) string { return coarse(to.Sub(from)) }
