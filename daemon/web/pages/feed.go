package pages

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// An atomFeed is a feed of RFC 4287.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  atomAuthor  `xml:"author"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

// An atomEntry is one transition.
type atomEntry struct {
	ID        string     `xml:"id"`
	Title     string     `xml:"title"`
	Updated   string     `xml:"updated"`
	Published string     `xml:"published"`
	Links     []atomLink `xml:"link,omitempty"`
	Content   atomText   `xml:"content"`

	at time.Time
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// mostEntries is how many entries a feed has, the last ones.
const mostEntries = 100

// newEntry returns an entry. name tells it from all others of the feed, for ever.
func newEntry(authority, name string, at time.Time, title, text, link string) atomEntry {
	stamp := at.UTC().Format(time.RFC3339)
	e := atomEntry{
		ID: tagOf(authority, at, name), Title: opaque.Bounded(title, longestNote), Updated: stamp, Published: stamp,
		Content: atomText{"text", opaque.Bounded(text, longestNote)}, at: at,
	}
	if link != "" {
		e.Links = []atomLink{{Rel: "alternate", Type: "text/html", Href: link}}
	}
	return e
}

// tagOf returns a name of RFC 4151 for something that happened at a time.
func tagOf(authority string, at time.Time, name string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(authority, "https://"), "http://"), ":")
	return fmt.Sprintf("tag:%s,%s:%s", host, at.UTC().Format(time.DateOnly), name)
}

// finish puts the last entries first.
func (f *atomFeed) finish(now time.Time) {
	slices.SortStableFunc(f.Entries, func(a, b atomEntry) int { return b.at.Compare(a.at) })
	f.Title, f.Author.Name = opaque.Bounded(f.Title, longestLabel), opaque.Bounded(f.Author.Name, longestLabel)
	f.Entries = f.Entries[:min(len(f.Entries), mostEntries)]
	newest := now
	if len(f.Entries) > 0 {
		newest = f.Entries[0].at
	}
	f.Updated = newest.UTC().Format(time.RFC3339)
}

// authorityOf returns the address of the daemon as others know it, "https://host:port": the one
// that the files name, or else that which was asked. The listener has checked its name.
func authorityOf(r *http.Request, url string) string {
	if url = strings.TrimRight(url, "/"); url != "" {
		return url
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// publicFeed is the feed of a public page: an entry when something was reported, when it was over,
// and for each note.
func publicFeed(p *publicPage, name, authority string) *atomFeed {
	home := authority + strings.TrimSuffix(p.Feed, "/feed.atom")
	f := &atomFeed{
		ID: tagOf(authority, feedBegan, strings.TrimPrefix(p.Feed, "/")), Title: feedTitle(p.Title, name), Author: atomAuthor{name},
		Links: []atomLink{{"self", "application/atom+xml", authority + p.Feed}, {"alternate", "text/html", home}},
	}
	list := slices.Clone(p.Now)
	for _, month := range p.Months {
		list = append(list, month.Incidents...)
	}
	for i := range list {
		in := &list[i]
		key := fmt.Sprintf("%s/%d-%08x", strings.TrimPrefix(p.Feed, "/"), in.began.Unix(), hashOf(in.State, in.began))
		since := "Since " + in.From.Exact() + "."
		f.Entries = append(f.Entries, newEntry(authority, key+"/opened", in.Reported.at, in.Services+": "+in.Word, since+" We have known since "+in.Reported.Exact()+".", home))
		for _, n := range in.Notes {
			note := fmt.Sprintf("%s/note-%d", key, n.At.at.Unix())
			f.Entries = append(f.Entries, newEntry(authority, note, n.At.at, in.Services+": "+n.Text, n.Text, home))
		}
		if !in.Open && in.To.Known() {
			f.Entries = append(f.Entries, newEntry(authority, key+"/closed", in.To.at, in.Services+": working again", in.What+" for "+in.Length+", until "+in.To.Exact()+".", home))
		}
	}
	f.finish(p.at.now)
	return f
}

// feedBegan is the date in the names of feeds. It says nothing but that the host was ours then.
var feedBegan = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// hashOf tells incidents of a page apart that began in the same second.
func hashOf(state shownState, at time.Time) uint32 {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, state, at.UnixNano()) // a hash takes everything
	return h.Sum32()
}

func feedTitle(title, name string) string {
	if title == "" {
		return name
	}
	return title + " – " + name
}

// writeFeed answers a feed; public: to everybody.
func writeFeed(w http.ResponseWriter, r *http.Request, f *atomFeed, public bool) {
	var out bytes.Buffer
	out.WriteString(xml.Header)
	e := xml.NewEncoder(&out)
	e.Indent("", " ")
	if err := e.Encode(f); err != nil {
		http.Error(w, "the feed could not be made", http.StatusInternalServerError)
		return
	}
	writeKept(w, r, "application/atom+xml; charset=utf-8", append(out.Bytes(), '\n'), public)
}
