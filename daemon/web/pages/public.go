package pages

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// The types of this file are all that everybody may see: labels, states, times and what people
// wrote for the public. They are made from the answers of daemon/api by publicMaker, so that an
// id, a host or a cause can get onto a public page only by a new field here.

// A publicPage is how the services of some groups are.
type publicPage struct {
	Title    string // of the group; empty: of everything that is public
	State    shownState
	Sentence string
	Known    string // since when people know of it; empty: nothing is wrong
	Rest     string // what else is not as usual
	Notices  []publicNotice
	Now      []publicIncident
	Sections []publicSection
	Coming   []publicNotice
	Months   []publicMonth
	Note     string // what is not known of the past
	Home     string // of the page of everything that is public
	Feed     string // the address of its feed
	Calendar string // the address of its calendar

	at clock
}

// A publicSection is the services of one group.
type publicSection struct {
	Title    string // empty: the page is about this group alone
	Link     string
	Percent  string // of the last 90 days; empty: not known
	Services []publicCheck
	More     int // services that are not listed, and work
}

// A publicCheck is one service: the checks that have the same name for the public.
type publicCheck struct {
	Label   string
	State   shownState
	Word    string
	Since   stamp
	Strip   *strip
	Percent string
}

// A publicIncident is a time in which something was wrong, of services that failed together.
type publicIncident struct {
	What     string // "Mail and Login were not reachable"
	State    shownState
	From, To stamp
	Length   string
	Open     bool
	Notes    []publicNote
	Reported stamp
	Services string
	Word     string

	began time.Time // of the first, which tells it from others for ever
}

// Range returns from when until when it was.
func (p publicIncident) Range() timeRange { return timeRange{p.From, p.To} }

// NeedsWords reports whether what goes on now is not all said by the sentence.
func (p *publicPage) NeedsWords() bool {
	return len(p.Now) > 1 || len(p.Now) == 1 && len(p.Now[0].Notes) > 0
}

// HasBars reports whether anything is known of the days before.
func (p *publicPage) HasBars() bool {
	return slices.ContainsFunc(p.Sections, func(s publicSection) bool {
		return slices.ContainsFunc(s.Services, func(c publicCheck) bool { return c.Strip != nil })
	})
}

// A publicNote is what a person wrote for everybody.
type publicNote struct {
	At   stamp
	Text string
}

// A publicMonth is the incidents of a month, the last first.
type publicMonth struct {
	Name      string
	Incidents []publicIncident
}

// A publicNotice is an announcement, or planned work.
type publicNotice struct {
	State       shownState
	Text        string
	From, Until stamp
}

// Range returns from when until when it is.
func (p publicNotice) Range() timeRange { return timeRange{p.From, p.Until} }

// publicFor is how long a public page is shown again. Whoever can reach it may ask for it as
// often as they like, and each making asks the goroutine that decides alarms.
const publicFor = 5 * time.Second

// A publicKeeper keeps the public pages that were made last.
type publicKeeper struct {
	mu     sync.Mutex
	pages  map[config.GroupID]keptPage
	badges map[string]keptBadge
}

// A keptPage is a page, or why there is none. A nil page is one of a group that is not public.
type keptPage struct {
	page *publicPage
	name string // of the page of the daemon
	url  string // of the daemon, as it was told; empty: it was not
	err  error
	made time.Time
}

// mostKept bounds the pages that are kept: addresses that are made up must take no memory.
const mostKept = 1000

// publicPage returns the page of a group; empty: of all that is public. Who asks while one is made
// waits for it.
func (v *viewer) publicPage(ctx context.Context, group config.GroupID) keptPage {
	k := &v.public
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept, ok := k.pages[group]; ok && time.Since(kept.made) < publicFor {
		return kept
	}
	// Whoever asked may hang up; the page is for the others, too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), barsTime)
	defer cancel()
	kept := keptPage{name: defaultName, made: time.Now()}
	m, err := newPublicMaker(ctx, v.Daemon, group)
	switch {
	case err != nil:
		kept.err = err
	case m != nil:
		kept.page, kept.name, kept.url = m.page(m.bars(ctx, v.history())), opaque.Bounded(pageName(m.cfg), longestLabel), m.cfg.Daemon.PublicURL
	}
	if k.pages == nil || len(k.pages) >= mostKept {
		k.pages = map[config.GroupID]keptPage{}
	}
	k.pages[group] = kept
	return kept
}

// servePublic answers all that is below /p/: a page, or with the last part of the path its feed,
// badge or calendar.
func (v *viewer) servePublic(w http.ResponseWriter, r *http.Request) {
	group, file := strings.Trim(r.PathValue("path"), "/"), ""
	if last := path.Base("/" + group); slices.Contains([]string{"feed.atom", "badge.svg", "coming.ics"}, last) {
		group, file = strings.Trim(strings.TrimSuffix(group, last), "/"), last
	}
	kept := v.publicPage(r.Context(), config.GroupID(group))
	switch {
	case kept.err != nil:
		publicFault(w, r, kept.name, http.StatusServiceUnavailable)
	case kept.page == nil:
		publicFault(w, r, kept.name, http.StatusNotFound)
	case file == "feed.atom":
		writeFeed(w, r, publicFeed(kept.page, kept.name, authorityOf(r, kept.url)), true)
	case file == "badge.svg":
		v.servePublicBadge(w, r, config.GroupID(group), kept.name)
	case file == "coming.ics":
		writeCalendar(w, r, publicCalendar(kept.page, kept.name, authorityOf(r, kept.url)), true)
	default:
		f := publicFrame(r, kept.name, kept.page.Title)
		f.State, f.At, f.Content, f.Feed = kept.page.State, kept.page.at.at(&kept.page.at.now), kept.page, kept.page.Feed
		show(w, r, http.StatusOK, "public", f)
	}
}

// publicFrame is what a public page has around it: no views, and nothing of who asks.
func publicFrame(r *http.Request, name, title string) *frame {
	f := &frame{Page: name, Home: "/p/", Here: r.URL.Path, Title: name, Sheets: []string{"views.css"}}
	if title != "" {
		f.Title = title + " – " + name
	}
	return f
}

// publicFault says that there is no page, in the same words whether the group exists or not.
func publicFault(w http.ResponseWriter, r *http.Request, name string, status int) {
	fault := Fault{Status: status, Title: "There is no such page.", Text: "Nothing public is at this address."}
	if status != http.StatusNotFound {
		fault.Title, fault.Text = "The state is not known now.", "Try again in a minute."
	}
	f := publicFrame(r, name, fault.Title)
	f.Content = fault
	show(w, r, status, "error", f)
}
