// Package pages is the status page: what people see of the monitor in a browser. Every
// view is one HTML page that is complete without a script, made from the answers of
// daemon/api and by html/template alone, so that whatever a server said stays text.
//
// A view is three things: a type that holds what is shown, in words and figures and
// nothing else; a function that makes it of a snapshot and a visitor; and a template of
// the same name. The layout around it, and the parts that views share (state, time, strip
// of days, facts, empty state), stand in templates/layout.html; the look stands in
// assets/page.css. Neither has a style or a script inside the HTML, because the content
// security policy forbids both.
//
// What people read on each page stands in testdata, and is compared. To look at the pages:
//
//	go test ./daemon/web/pages -pages DIR && python3 -m http.server --directory DIR
//
// How pages look stands in testdata/pictures and in examples/pictures, which README.md shows;
// where the keys of a keyboard lead stands in testdata/keyboard-*. The flag -update writes all
// of these anew.
//
// It listens nowhere and knows nobody: daemon/web serves [Routes], and puts into the
// context who asks.
package pages

import (
	"net/http"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// Options are what the pages are made of.
type Options struct {
	Daemon api.Daemon
	// Links returns what reads the links that acknowledge; nil: there are none.
	Links func() api.Links
}

// A viewer makes pages.
type viewer struct {
	Options
	past pastReader // of tests; nil: the history of the daemon
	bars barMaker

	public publicKeeper
}

// Routes returns every page and asset, for the listener's table.
func Routes(o Options) []api.Route {
	return (&viewer{Options: o}).routes()
}

func (v *viewer) routes() []api.Route {
	see := func(pattern string, show http.HandlerFunc) api.Route {
		return api.Route{Pattern: pattern, Right: api.See, Handler: show}
	}
	return []api.Route{
		{Pattern: "GET " + assetPath("{name}"), Right: api.Anybody, Handler: http.HandlerFunc(serveAsset)},
		see("GET /{$}", v.serveOverview),
		see("GET /c/{id...}", v.serveCheck),
		see("GET /i/{id}", v.serveIncident),
		see("GET /fragment/trouble", v.serveTrouble),
		see("GET /certificates", v.serveCertificates),
		see("GET /deliveries", v.serveDeliveries),
		see("GET /coming", v.serveComing),
		see("GET /coming.ics", v.serveCalendar),
		see("GET /reports", v.serveReports),
		see("GET /reports/{file}", v.serveReport),
		see("GET /monitor", v.serveMonitor),
		see("GET /wall", v.serveWall),
		see("GET /feed.atom", v.serveFeed),
		{Pattern: "GET /a/{token}", Right: api.Anybody, Handler: http.HandlerFunc(v.serveLink)},
		{Pattern: "POST /a/{token}", Right: api.Anybody, Handler: api.Limited{Handler: http.HandlerFunc(v.followLink)}},
		{Pattern: "GET /p/{path...}", Right: api.Anybody, Handler: http.HandlerFunc(v.servePublic)},
		{Pattern: "GET /badge/{path...}", Right: api.Anybody, Handler: http.HandlerFunc(v.serveBadge)},
	}
}
