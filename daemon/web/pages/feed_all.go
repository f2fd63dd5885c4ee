package pages

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// serveFeed answers the feed of the incidents that the visitor sees, of one group with ?group=.
func (v *viewer) serveFeed(w http.ResponseWriter, r *http.Request) {
	group := config.GroupID(strings.Trim(cutTo(r.URL.Query().Get("group"), mostQuery), "/"))
	narrowed, ok := narrowTo(r, group)
	if !ok {
		api.WriteProblem(w, r, api.NewProblem(http.StatusNotFound, "There is no such group."))
		return
	}
	f, _, err := gather(narrowed, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	if group != "" && f.groups[group] == nil {
		api.WriteProblem(w, r, api.NewProblem(http.StatusNotFound, "There is no such group."))
		return
	}
	list, err := api.IncidentsFor(narrowed.Context(), v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	writeFeed(w, r, f.feed(list.Incidents, group, r), false)
}

func (f *fleet) feed(list []api.Incident, group config.GroupID, r *http.Request) *atomFeed {
	authority := authorityOf(r, "")
	if f.Config != nil {
		authority = authorityOf(r, f.Config.Daemon.PublicURL)
	}
	self, home, title := "/feed.atom", "/", pageName(f.Config)
	if group != "" {
		self, home, title = self+"?group="+string(group), groupLink(group), feedTitle(f.groupLabel(group, ""), title)
	}
	feed := &atomFeed{
		ID: tagOf(authority, feedBegan, strings.TrimPrefix(self, "/")), Title: title, Author: atomAuthor{pageName(f.Config)},
		Links: []atomLink{{"self", "application/atom+xml", authority + self}, {"alternate", "text/html", authority + home}},
	}
	for i := range list {
		in := &list[i]
		for j := range in.Events {
			if title, text := f.transition(in, &in.Events[j]); title != "" {
				// The number of an event is its own: the first ones stay when later ones are forgotten.
				name := fmt.Sprintf("%s/%s-%d", in.ID, in.Events[j].Kind, in.Events[j].At.UnixMilli())
				feed.Entries = append(feed.Entries, newEntry(authority, name, in.Events[j].At, title, text, authority+incidentLink(in.ID)))
			}
		}
	}
	feed.finish(f.At)
	return feed
}

// transition says what an event is to those who read of it; nothing of what is not told.
func (f *fleet) transition(in *api.Incident, e *api.Event) (title, text string) {
	word := strings.ToUpper(string(in.Severity))
	cause := causeText(in.Cause, in.Phase)
	if e.Cause != "" {
		cause = causeText(e.Cause, e.Phase)
	}
	switch e.Kind {
	case incident.Opened, incident.Worsened:
		text = cause + ". Since " + f.clock.at(&in.StartedAt).Exact() + "."
		if e.Hint != "" {
			text += " " + e.Hint
		}
		return word + " " + string(in.Check) + ": " + cause, text
	case incident.Closed:
		if in.ReportedAt == nil {
			return "", ""
		}
		return strings.ToUpper(in.ClosedAs) + " " + string(in.Check), "After " + between(in.StartedAt, e.At) + ". It was: " + cause + "."
	case incident.Noted:
		return "Note about " + string(in.Check), strings.TrimSpace(e.By + ": " + e.Text)
	case incident.Acknowledged:
		return "Acknowledged: " + string(in.Check), strings.TrimSpace(e.By + ": " + e.Reason)
	}
	return "", ""
}
