package hclfile

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// A notice is what an announcement says, before its times are moments.
type notice struct {
	config.Announcement
	from, until string // wall clock
}

var noticeTable = table[notice]{
	newRow("from", wallClock, "", "From when it is shown, like \"2026-03-07T20:00:00\", in the timezone of page",
		func(n *notice, v value) { n.from = v.text }, required),
	newRow("until", wallClock, "", "Until when it is shown",
		func(n *notice, v value) { n.until = v.text }, required),
	newRow("kind", oneOf("info", "maintenance", "outage"), `"info"`, "How it is shown. It changes nothing about checks: planned work has a maintenance block besides",
		func(n *notice, v value) { n.Kind = config.AnnouncementKind(v.text) }),
	newRow("groups", atLeastOne(referencesTo("group")), "everything", "The groups that it concerns. Public pages show it with these",
		func(n *notice, v value) { n.Groups = idsOf[config.GroupID](v.refs) }),
	newRow("text", freeText, "", "What people read. Everybody who sees the groups reads it, the public too",
		func(n *notice, v value) { n.Text = v.text }, required),
}

func (l *loader) defineAnnouncement(b namedBlock) {
	content := l.content(b.block, noticeBlock, "announcement")
	n := notice{Announcement: config.Announcement{Name: b.id, Kind: config.AnnounceInfo, Pos: diagnose.Position(header(b.block))}}
	if !decode(l, noticeTable, content, &n) {
		return
	}
	zone := l.config.PageZone()
	n.From, n.Until = firstShowing(n.from, zone), firstShowing(n.until, zone)
	if l.checkOrder(content, "from", "until", n.From, n.Until) {
		l.config.Announcements = append(l.config.Announcements, n.Announcement)
	}
}

// firstShowing returns when the clocks of a zone show a time first.
func firstShowing(text string, zone *time.Location) time.Time {
	return calendar.FirstShowing(clock(text), zone)
}

// checkOrder reports whether the second of two times of a block is after the first.
func (l *loader) checkOrder(content *contents, first, second string, begins, ends time.Time) bool {
	if ends.After(begins) {
		return true
	}
	at := func(name string) hcl.Expression { return content.Attributes[name].Expr }
	wrong := complaint{
		fmt.Sprintf("%s, %s, is not after %s, %s.", second, ends.Format(wallClockLayout), first, begins.Format(wallClockLayout)),
		fmt.Sprintf("%s is not after %s.", second, first),
	}
	l.Report(ruleBounds, at(second).Range(), "%s", wrong.says(literals(content.Attributes, first, second)))
	return false
}
