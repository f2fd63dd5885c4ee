package hclfile

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// An amendment is what a correction says, before its times are moments.
type amendment struct {
	config.Correction
	start, end string // wall clock
	zone       *time.Location
}

var correctionTable = table[amendment]{
	newRow("applies_to", atLeastOne(referencesTo("group", "server", "imap_check")), "", "The groups, servers and checks that it is about",
		func(a *amendment, v value) { a.AppliesTo = configRefs(v.refs) }, required),
	newRow("start", wallClock, "", "When the time begins, like \"2026-02-01T10:00:00\"",
		func(a *amendment, v value) { a.start = v.text }, required),
	newRow("end", wallClock, "", "When it ends",
		func(a *amendment, v value) { a.end = v.text }, required),
	newRow("timezone", timeZone, "that of page", "The time zone of its times",
		func(a *amendment, v value) { a.zone = zone(v.text) }),
	newRow("count_as", oneOf("maintenance", "up", "down", "unknown"), "", "What the time counts as, whatever was measured. Of several corrections of the same time the worst counts: down, unknown, maintenance, up",
		func(a *amendment, v value) { a.CountAs = config.CountAs(v.text) }, required),
	newRow("reason", freeText, "", "Why. Every report shows it, public ones too",
		func(a *amendment, v value) { a.Reason = v.text }, required),
}

func (l *loader) defineCorrection(b namedBlock) {
	content := l.content(b.block, correctionBlock, "correction")
	a := amendment{Correction: config.Correction{Name: b.id, Pos: diagnose.Position(header(b.block))}, zone: l.config.PageZone()}
	if !decode(l, correctionTable, content, &a) {
		return
	}
	a.Start, a.End = firstShowing(a.start, a.zone), firstShowing(a.end, a.zone)
	if l.checkOrder(content, "start", "end", a.Start, a.End) {
		l.config.Corrections = append(l.config.Corrections, a.Correction)
	}
}
