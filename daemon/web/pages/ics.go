package pages

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A calendarEvent is something that has a time: planned work, or an announcement.
type calendarEvent struct {
	Name     string // that tells it from all others, for ever
	Title    string
	Text     string
	Link     string
	From, To time.Time // To is zero where there is no end
}

// An icsWriter writes content lines of RFC 5545, folded and with CRLF at their ends.
type icsWriter struct{ strings.Builder }

// mostOctets is how long a line may be (RFC 5545, 3.1), without its end.
const mostOctets = 75

// line writes a property. The value is as it stands in the file.
func (w *icsWriter) line(name, value string) {
	rest, room := name+":"+value, mostOctets
	for len(rest) > room {
		cut := room
		for !utf8.RuneStart(rest[cut]) { // a character is not cut in two
			cut--
		}
		w.WriteString(rest[:cut] + "\r\n ")
		rest, room = rest[cut:], mostOctets-1 // the space counts
	}
	w.WriteString(rest + "\r\n")
}

// text writes a property whose value is text (3.3.11). A line end has become a space already.
func (w *icsWriter) text(name, value string) {
	w.line(name, strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`, "\r", "").Replace(opaque.Bounded(value, longestNote)))
}

func (w *icsWriter) at(name string, at time.Time) { w.line(name, at.UTC().Format("20060102T150405Z")) }

// calendarText writes a calendar. made is when what is in it was found out.
func calendarText(name, authority string, made time.Time, events []calendarEvent) string {
	w := &icsWriter{}
	w.line("BEGIN", "VCALENDAR")
	w.line("VERSION", "2.0")
	w.line("PRODID", "-//imapvigil//status page//EN")
	w.line("METHOD", "PUBLISH")
	w.text("X-WR-CALNAME", name)
	w.line("REFRESH-INTERVAL;VALUE=DURATION", "PT1H")
	w.line("X-PUBLISHED-TTL", "PT1H")
	for i := range events {
		e := &events[i]
		w.line("BEGIN", "VEVENT")
		w.line("UID", uidOf(authority, e))
		w.at("DTSTAMP", made)
		w.at("DTSTART", e.From)
		if e.To.After(e.From) {
			w.at("DTEND", e.To)
		}
		w.text("SUMMARY", e.Title)
		if e.Text != "" {
			w.text("DESCRIPTION", e.Text)
		}
		if e.Link != "" {
			w.line("URL", e.Link)
		}
		w.line("TRANSP", "TRANSPARENT") // nobody is busy because a server is
		w.line("END", "VEVENT")
	}
	w.line("END", "VCALENDAR")
	return w.String()
}

// uidOf returns a name that no other event has (3.8.4.7).
func uidOf(authority string, e *calendarEvent) string {
	_, host, _ := strings.Cut(authority, "://")
	host, _, _ = strings.Cut(host, ":")
	return fmt.Sprintf("%s-%s@%s", e.From.UTC().Format("20060102T150405Z"), e.Name, host)
}

// A calendarFile is what a calendar is made of.
type calendarFile struct {
	name, authority string
	made            time.Time
	events          []calendarEvent
}

// publicCalendar is the planned work and the announcements of a public page.
func publicCalendar(p *publicPage, name, authority string) calendarFile {
	c := calendarFile{name: feedTitle(p.Title, name), authority: authority, made: p.at.now.Truncate(time.Hour)}
	link := authority + strings.TrimSuffix(p.Calendar, "/coming.ics")
	for _, n := range append(p.Notices, p.Coming...) {
		c.events = append(c.events, calendarEvent{
			Name: fmt.Sprintf("%08x", hashOf(shownState(n.Text), n.From.at)), Title: n.Text, Link: link, From: n.From.at, To: n.Until.at,
		})
	}
	return c
}

// writeCalendar answers a calendar. What is in it is the same for an hour, so that whoever has it
// need not get it again; public: it is for everybody.
func writeCalendar(w http.ResponseWriter, r *http.Request, c calendarFile, public bool) {
	text := calendarText(c.name, c.authority, c.made, c.events)
	writeKept(w, r, "text/calendar; charset=utf-8", []byte(text), public)
}
