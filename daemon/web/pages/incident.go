package pages

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// An incidentPage is one incident: what happened, and who was told of it, on one axis of time.
type incidentPage struct {
	ID        incident.ID
	Check     config.CheckID
	Name      string
	CheckLink string
	Condition string
	State     shownState
	Word      string
	What      string
	Hint      string
	Quote     string
	Started   stamp
	Reported  stamp
	Ended     stamp
	Length    string
	Night     []nightFact
	Line      timeline
	Entries   []entry
	Others    []incidentRow // of the same server at that time
	OthersOf  string
	Open      bool
	Acked     bool
	Silenced  bool
}

// An entry is something that happened, or that somebody was told.
type entry struct {
	At     stamp
	Offset string // since the start
	Date   string // where it is another day than that of the entry before
	State  shownState
	Kind   string // "event", "message", "note", "held": how it is drawn
	Title  string
	Text   string
	Quote  string // the words of a server
}

// A timeline is an incident from its start to its end, from left to right.
type timeline struct {
	Parts       []rect
	Marks       []mark
	First, Last string
	Label       string
}

// A mark is a moment of a timeline.
type mark struct {
	X     string
	Class string
	Title string
}

func (v *viewer) serveIncident(w http.ResponseWriter, r *http.Request) {
	in, err := v.incident(r.Context(), incident.ID(r.PathValue("id")))
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	all, err := api.IncidentsFor(r.Context(), v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	p := f.incidentPage(&in, all.Incidents, api.VisitorOf(r.Context()))
	frame := newFrame(r, f.Config, "", "Incident "+string(in.ID)+", "+p.Name)
	frame.Content, frame.At, frame.State, frame.Live = p, f.clock.at(&f.At), p.State, "incident"
	if !p.Open {
		frame.Live = "" // nothing will change
	}
	// What somebody types into the forms would be lost.
	frame.Refresh = p.Open && !frame.MayAct
	show(w, r, http.StatusOK, "incident", frame)
}

// incident returns an incident as it is journaled, or as the history remembers it: the
// journal keeps them for 90 days.
func (v *viewer) incident(ctx context.Context, id incident.ID) (api.Incident, error) {
	in, notFound := api.IncidentFor(ctx, v.Daemon, id)
	past := v.history()
	if notFound == nil || past == nil {
		return in, notFound
	}
	s, err := v.Daemon.Snapshot(ctx)
	if err != nil {
		return in, err
	}
	list, err := past.Incidents(ctx, time.Unix(0, 0), s.At)
	if err != nil {
		return in, notFound
	}
	i := slices.IndexFunc(list, func(old history.Incident) bool { return old.ID == id })
	if i < 0 || !seesPast(api.VisitorOf(ctx), s.Config, list[i].Check) {
		return in, notFound
	}
	text, err := list[i].JSON()
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	return in, err
}

// seesPast reports whether a visitor may see what was so of a check. One that has left the files
// is in no group any more.
func seesPast(visitor *api.Visitor, cfg *config.Config, id config.CheckID) bool {
	if visitor.Groups == nil {
		return true
	}
	c, known := cfg.Checks[id]
	return known && visitor.Sees(c)
}

func (f *fleet) incidentPage(in *api.Incident, all []api.Incident, visitor *api.Visitor) *incidentPage {
	p := &incidentPage{
		ID: in.ID, Check: in.Check, Name: f.nameOf(in.Check), CheckLink: checkLink(in.Check), Condition: string(in.Condition), State: severityState(in),
		What: causeText(in.Cause, in.Phase), Hint: in.Hint, Started: f.clock.at(&in.StartedAt), Reported: f.clock.at(in.ReportedAt), Ended: f.clock.at(in.EndedAt),
		Open: in.State != incident.StatusClosed, Acked: in.Acknowledged != nil,
	}
	if !in.Evidence.IsZero() {
		p.Quote = in.Evidence.String()
	}
	end := f.At
	if in.EndedAt != nil {
		end = *in.EndedAt
	}
	p.Length = between(in.StartedAt, end)
	if p.Word = string(in.Severity); in.State == incident.StatusAcknowledged {
		p.Word += ", acknowledged"
	}
	if !p.Open {
		p.State, p.Word = noState, cmp.Or(in.ClosedAs, "over")
		if in.ClosedAs == string(incident.Recovered) {
			p.State = "ok"
		}
	}
	p.Entries = f.entries(in, visitor)
	p.Line = f.timeline(in, end)
	p.Others, p.OthersOf = f.atThatTime(in, all, end)
	if p.Open {
		p.Night = f.affectedBy(in)
	}
	if in.From != "" {
		name, text := notifiers.SeenFrom(in.From)
		p.Night = append(p.Night, nightFact{Question: name, Answers: []string{text}})
	}
	p.Night = append(p.Night, nightFact{Question: "Was it us?", Answers: []string{f.wasItUs(in, all, end)}})
	if p.Open {
		c := api.Check{CheckDetail: &api.CheckDetail{History: []api.Incident{*in}}}
		told, _ := f.toldOf(&c, visitor)
		p.Night = append(p.Night, nightFact{Question: "Notified", Answers: told})
	}
	p.Night = append(p.Night, f.answerOf(in))
	return p
}

// affectedBy says what an open incident is about, in the words of the files.
func (f *fleet) affectedBy(in *api.Incident) []nightFact {
	if f.Config == nil || f.Config.Checks[in.Check] == nil {
		return nil
	}
	c := f.Config.Checks[in.Check]
	fact := nightFact{Question: "Affected"}
	if c.Description != "" {
		fact.Answers = append(fact.Answers, c.Description)
	}
	fact.Answers = append(fact.Answers, hostPort(&api.Check{Host: c.Probe.Hostname, Port: int(c.Probe.Port)}))
	return []nightFact{fact}
}

// nameOf returns what people call a check, which may have left the files.
func (f *fleet) nameOf(id config.CheckID) string {
	if f.Config == nil || f.Config.Checks[id] == nil {
		return string(id)
	}
	c := f.Config.Checks[id]
	return nameOf(&api.Check{ID: id, Label: c.Label, Server: string(c.Server)}, f.Config)
}

func (f *fleet) answerOf(in *api.Incident) nightFact {
	a := in.Acknowledged
	switch {
	case a != nil:
		text := cmp.Or(a.By, "Somebody") + ", " + f.clock.at(&a.At).Near()
		if a.Reason != "" {
			text += ": “" + a.Reason + "”"
		}
		return nightFact{Question: "Answered", Answers: []string{text}}
	case in.State == incident.StatusClosed:
		return nightFact{Question: "Answered", Answers: []string{"It is over, and nobody works on it."}}
	}
	return nightFact{Question: "Answered", Answers: []string{nobodyAnswered}, Bad: true}
}

// overlaps reports whether an incident went on at any time of a window.
func overlaps(in *api.Incident, from, to time.Time) bool {
	return in.StartedAt.Before(to) && (in.EndedAt == nil || in.EndedAt.After(from))
}

// wasItUs says whether this machine was at fault at the time of an incident, as far as is
// remembered.
func (f *fleet) wasItUs(in *api.Incident, all []api.Incident, end time.Time) string {
	if in.Condition == config.ConditionMonitor {
		return "Yes: this incident is about the monitor itself."
	}
	elsewhere := map[config.CheckID]bool{}
	for i := range all {
		o := &all[i]
		if !overlaps(o, in.StartedAt, end) || o.ID == in.ID {
			continue
		}
		if o.Condition == config.ConditionMonitor {
			return "Perhaps: the monitor had trouble of its own then. " + o.Hint
		}
		if o.Condition == config.ConditionService && !f.sameServer(o.Check, in.Check) {
			elsewhere[o.Check] = true
		}
	}
	if n := len(elsewhere); n > 0 {
		return "No trouble of this machine is remembered; " + counted(n, "check of another server", "checks of other servers") + " failed at that time, too."
	}
	return "No: no trouble of this machine is remembered, and no other server failed at that time."
}

func (f *fleet) sameServer(a, b config.CheckID) bool {
	if a == b {
		return true
	}
	if f.Config == nil || f.Config.Checks[a] == nil || f.Config.Checks[b] == nil {
		return false
	}
	return f.Config.Checks[a].Server != "" && f.Config.Checks[a].Server == f.Config.Checks[b].Server
}

// atThatTime lists the incidents of the other checks of the server at the time of one.
func (f *fleet) atThatTime(in *api.Incident, all []api.Incident, end time.Time) (rows []incidentRow, server string) {
	if f.Config == nil || f.Config.Checks[in.Check] == nil || f.Config.Checks[in.Check].Server == "" {
		return nil, ""
	}
	for i := range all {
		if o := &all[i]; o.ID != in.ID && f.sameServer(o.Check, in.Check) && overlaps(o, in.StartedAt, end) {
			row := f.incidentRow(o)
			row.What = f.nameOf(o.Check) + ": " + row.What
			rows = append(rows, row)
		}
	}
	return rows, string(f.Config.Checks[in.Check].Server)
}

// entries are the events and messages of an incident, the first first.
func (f *fleet) entries(in *api.Incident, visitor *api.Visitor) (list []entry) {
	for i := range in.Events {
		list = append(list, f.eventEntry(&in.Events[i], in))
	}
	for i := range in.Deliveries {
		d := &in.Deliveries[i]
		e := entry{At: f.clock.at(&d.At), Kind: "message", Title: destinationName(f.Config, d.Roles, d.Notifier, d.Target, visitor), State: noState, Text: deliveryWords(d, f.clock)}
		if d.GivenUp() {
			e.State = "down"
		}
		if !d.Answer.IsZero() {
			e.Quote = d.Answer.String()
		}
		list = append(list, e)
	}
	slices.SortStableFunc(list, func(a, b entry) int { return a.At.at.Compare(b.At.at) })
	day := ""
	for i := range list {
		if d := list[i].At.Day(); d != day {
			list[i].Date, day = d, d
		}
		if since := list[i].At.at.Sub(in.StartedAt); since >= time.Second {
			list[i].Offset = "+" + coarse(since)
		}
	}
	for i := range in.Held {
		if in.Held[i].Reason != api.HeldByLimit {
			list = append(list, entry{Kind: "held", State: noState, Title: f.heldText(&in.Held[i], visitor)})
		}
	}
	return list
}

// deliveryWords say what a message told, and what became of it.
func deliveryWords(d *api.Delivery, now clock) string {
	text := string(d.State)
	if _, what, ok := strings.Cut(d.Transition, "."); ok {
		text = what + ": " + text
	}
	if d.Attempts > 1 {
		text += " after " + counted(d.Attempts, "attempt", "attempts")
	}
	if next := now.at(d.NextAttemptAt); next.Known() {
		text += ", tried again " + next.Near()
	}
	return text
}

// eventEntry says what happened in one event.
func (f *fleet) eventEntry(e *api.Event, in *api.Incident) entry {
	out := entry{At: f.clock.at(&e.At), Kind: "event", State: severityState(in)}
	who := cmp.Or(e.By, "Somebody")
	switch e.Kind {
	case incident.Failing:
		out.State, out.Title, out.Text = "failing", "It begins to fail", causeText(e.Cause, e.Phase)
		out.At = f.clock.at(cmp.Or(e.Since, &e.At))
	case incident.Opened:
		out.Title, out.Text = "It is reported as "+string(in.Severity), causeText(e.Cause, e.Phase)
	case incident.Worsened:
		out.Title, out.Text = "It gets worse", causeText(e.Cause, e.Phase)
	case incident.CauseChanged:
		out.Title, out.Text = "The cause is another one", causeText(e.Cause, e.Phase)
	case incident.Recovering:
		out.State, out.Title = "recovering", "The first good probe"
	case incident.Relapsed:
		out.Title = "It fails again"
	case incident.Closed:
		out.State, out.Title = "ok", "It is closed as "+cmp.Or(e.ClosedAs, "over")
		if e.To != "" {
			out.State, out.Title = noState, "It is handed over to "+e.To
			switch {
			case e.As != "":
				out.Title += " as incident " + string(e.As)
			case e.Well:
				out.Title += ", which sees it well"
			}
		}
	case incident.Orphaned:
		out.State, out.Title = "paused", "Its check has left the files"
	case incident.Adopted:
		out.State, out.Title = "unknown", "Its check is back in the files"
	case incident.Moved:
		out.State, out.Title = "unknown", "Its check has another id now"
	case incident.Acknowledged:
		out.State, out.Kind, out.Title, out.Text = noState, "note", who+" works on it", e.Reason
	case incident.Unacknowledged:
		out.State, out.Kind, out.Title, out.Text = noState, "note", "Nobody works on it any more", e.Reason
		if e.By != "" {
			out.Title = who + " no longer works on it"
		}
	case incident.Noted:
		out.State, out.Kind, out.Title, out.Text = noState, "note", who+" writes", e.Text
		if e.Public {
			out.Title += " for the public page"
		}
	case incident.Restored:
		out.State, out.Title = noState, "What was before is not kept event by event"
	}
	return out
}

// timeline draws an incident from its start to its end, or to now.
func (f *fleet) timeline(in *api.Incident, end time.Time) timeline {
	from, length := in.StartedAt, max(time.Second, end.Sub(in.StartedAt))
	part := func(at time.Time) float64 { return max(0, min(100, 100*float64(at.Sub(from))/float64(length))) }
	look := "f-down"
	if in.Severity == config.SeverityDegraded {
		look = "f-degraded"
	}
	line := timeline{First: f.clock.at(&from).Near(), Last: f.clock.at(&end).Near()}
	begin, failing := from, true
	add := func(to time.Time, class string) {
		if x, w := part(begin), part(to)-part(begin); w > 0 {
			line.Parts = append(line.Parts, rect{Class: class, X: percentText(x), W: percentText(w), H: lineHeight})
		}
		begin = to
	}
	for i := range in.Events {
		e := &in.Events[i]
		at := *cmp.Or(e.Since, &e.At)
		switch {
		case e.Kind == incident.Recovering && failing:
			add(at, look)
			failing = false
		case (e.Kind == incident.Relapsed || e.Kind == incident.Failing) && !failing:
			add(at, "f-ok")
			failing = true
		case e.Kind == incident.Opened || e.Kind == incident.Acknowledged:
			line.Marks = append(line.Marks, mark{percentText(part(e.At)), "m-" + string(e.Kind), string(e.Kind)})
		}
	}
	if failing {
		add(end, look)
	} else {
		add(end, "f-ok")
	}
	for i := range in.Deliveries {
		line.Marks = append(line.Marks, mark{percentText(part(in.Deliveries[i].At)), "m-message", in.Deliveries[i].Notifier})
	}
	line.Label = "The incident lasted " + coarse(length)
	return line
}

// lineHeight is how high a timeline is drawn, in pixels.
const lineHeight = 12
