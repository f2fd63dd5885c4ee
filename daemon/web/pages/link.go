package pages

import (
	"cmp"
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// A linkPage is what somebody sees who follows a link of a message: what they would acknowledge. It
// says nothing that the message did not say.
type linkPage struct {
	Path  string
	Name  string // of the check
	State shownState
	Word  string
	What  string
	Since stamp
	Acked bool
	Done  bool // by this request
}

// serveLink shows what a link acknowledges, and a button. Programs look at the links of mails before
// people do, so that to ask for the page must change nothing.
func (v *viewer) serveLink(w http.ResponseWriter, r *http.Request) {
	if link, ok := v.readLink(w, r); ok {
		v.showLink(w, r, link, false)
	}
}

// followLink acknowledges, for whoever has the link: a page of ours, or a program that shows the
// message and its button, with an empty body.
func (v *viewer) followLink(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*") // so that a program in a browser knows what came of it
	link, ok := v.readLink(w, r)
	if !ok {
		return
	}
	if _, err := link.IncidentOf(r.Context(), v.Daemon); err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	// Of the body alone, as the button sends it.
	already, err := link.Acknowledge(r.Context(), v.Daemon, r.PostFormValue("name"))
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	v.showLink(w, r, link, !already)
}

// readLink reads the link that was followed, or says why it does nothing.
func (v *viewer) readLink(w http.ResponseWriter, r *http.Request) (link api.Link, ok bool) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is all that somebody needs
	var links api.Links
	if v.Links != nil {
		links = v.Links()
	}
	link, err := links.Read(r.PathValue("token"), time.Now())
	if err != nil {
		api.WriteProblem(w, r, err)
	}
	return link, err == nil
}

func (v *viewer) showLink(w http.ResponseWriter, r *http.Request, link api.Link, done bool) {
	in, err := link.IncidentOf(r.Context(), v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	s, err := v.Daemon.Snapshot(r.Context())
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	clock := clock{s.At, zoneOf(s.Config)}
	p := linkPage{
		Path: r.URL.EscapedPath(), Name: string(in.Check), State: shownState(in.Severity), Word: string(in.Severity),
		What: cmp.Or(in.Cause.Text(), string(in.Cause)), Since: clock.at(&in.StartedAt), Acked: done || in.Acknowledged != nil, Done: done,
	}
	if c, known := s.Check(in.Check); known && c.Label != "" && c.Label != p.Name {
		p.Name += " (" + c.Label + ")"
	}
	f := newFrame(r, s.Config, "", "Acknowledge "+p.Name)
	f.Nav, f.User, f.canLogIn = nil, "", false
	f.Content, f.State = p, p.State
	show(w, r, http.StatusOK, "link", f)
}
