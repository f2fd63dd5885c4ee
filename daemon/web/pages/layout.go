package pages

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"embed"
	"html/template"
	"net/http"
	"sync"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

//go:embed templates
var templateFiles embed.FS

// functions are what templates call beside the methods of what they show.
var functions = template.FuncMap{
	"asset": assetPath,
	"head":  func(id, title, aside string) heading { return heading{id, title, aside} },
	"void":  func(title, text string) void { return void{title, text} },
	"state": func(name string) shownState { return shownState(name) },
}

// views are the templates of all pages: each is the layout with a content of its own.
var views = sync.OnceValue(func() map[string]*template.Template {
	const layout, fragments = "templates/layout.html", "templates/parts.html"
	shared := template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, layout, fragments))
	list := map[string]*template.Template{}
	entries, _ := templateFiles.ReadDir("templates") // a part of the program
	for _, e := range entries {
		if name := "templates/" + e.Name(); name != layout && name != fragments {
			list[e.Name()] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, name))
		}
	}
	return list
})

// A frame is what a page has around its content, and the content.
type frame struct {
	View    string // the name of its template, without .html
	Title   string // of the window
	Page    string // what the operator calls the page
	Home    string // where the name of the page leads
	Here    string // the path of the view, for coming back after the login
	State   shownState
	Live    string // what the script keeps current: "overview", "check", "incident"; empty: nothing
	Refresh bool   // without a script it is loaded again every 30 seconds
	User    string
	MayAct  bool // the visitor may test, acknowledge, silence and note
	Nav     []navLink
	At      stamp
	Foot    []string
	Content any
	Sheets  []string // style sheets beside that of all pages
	Feed    string   // the address of the feed of what is shown; empty: there is none

	canLogIn bool
}

// CanLogIn reports whether the page offers the login.
func (f *frame) CanLogIn() bool { return f.canLogIn && f.User == "" }

// Icon returns the state that the icon of the window shows.
func (f *frame) Icon() string {
	switch f.State {
	case "down", "degraded", "ok":
		return string(f.State)
	case "failing", "recovering":
		return "degraded"
	}
	return "none"
}

// A navLink leads to a view.
type navLink struct {
	Path, Text string
	Current    bool
}

var navLinks = []navLink{
	{Path: "/", Text: "Overview"},
	{Path: "/certificates", Text: "Certificates"},
	{Path: "/coming", Text: "Coming"},
	{Path: "/deliveries", Text: "Deliveries"},
	{Path: "/reports", Text: "Reports"},
	{Path: "/monitor", Text: "Monitor"},
}

// newFrame returns the frame of a view for whoever asks. path is that of the view in the
// navigation; title is that of the window, beside the name of the page.
func newFrame(r *http.Request, cfg *config.Config, path, title string) *frame {
	visitor := api.VisitorOf(r.Context())
	f := &frame{
		Page: pageName(cfg), Home: "/", Here: r.URL.RequestURI(), User: visitor.Name, MayAct: visitor.May(api.Operate), canLogIn: !visitor.May(api.Operate),
	}
	f.Title = f.Page
	if title != "" {
		f.Title = title + " – " + f.Page
	}
	for _, l := range navLinks {
		l.Current = l.Path == path
		f.Nav = append(f.Nav, l)
	}
	return f
}

// pageName returns what the operator calls the page.
func pageName(cfg *config.Config) string {
	if cfg == nil {
		return defaultName
	}
	return cmp.Or(cfg.Page.Title, defaultName)
}

const defaultName = "imapvigil"

// show writes a page, or that it could not be made.
func show(w http.ResponseWriter, r *http.Request, status int, view string, f *frame) {
	f.View = view
	var page bytes.Buffer
	// Into memory first: half a page would look as if the rest were well.
	if err := views()[view+".html"].ExecuteTemplate(&page, "layout", f); err != nil {
		http.Error(w, "The page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, r, status, page.Bytes())
}

// showPart writes a part of a page, for the script of one that is open.
func showPart(w http.ResponseWriter, r *http.Request, part string, content any) {
	var text bytes.Buffer
	if err := views()["overview.html"].ExecuteTemplate(&text, part, content); err != nil {
		http.Error(w, "this part could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, r, http.StatusOK, text.Bytes())
}

// write sends HTML, compressed for those who take it.
func write(w http.ResponseWriter, r *http.Request, status int, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store") // it shows what is so now, to whoever is logged in now
	h.Set("Vary", "Accept-Encoding")
	if !acceptsGzip(r) || len(page) < 1024 {
		w.WriteHeader(status)
		_, _ = w.Write(page) // the client has gone when this fails
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is a valid one
	_, _ = z.Write(page)                           // the client has gone when this fails
	_ = z.Close()
}
