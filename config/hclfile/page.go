package hclfile

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

var historyTable = table[config.History]{
	{
		attribute{name: "detail", kind: span(time.Hour, unbounded), fallback: `"48h"`, doc: "How long each minute is kept"},
		func(h *config.History, v value) { h.Detail = v.span() },
	},
	{
		attribute{name: "hourly", kind: span(day, unbounded), fallback: `"90d"`, doc: "How long each hour is kept"},
		func(h *config.History, v value) { h.Hourly = v.span() },
	},
	{
		attribute{name: "daily", kind: span(day, unbounded), fallback: `"400d"`, doc: "How long each day is kept"},
		func(h *config.History, v value) { h.Daily = v.span() },
	},
}

var pageTable = table[config.Page]{
	{
		attribute{name: "title", kind: text, fallback: `"imapvigil"`, doc: "The title of the status page"},
		func(p *config.Page, v value) { p.Title = v.text },
	},
	{
		attribute{name: "users_file", kind: unkeptFile, doc: "Who may log in, as htpasswd -B writes it"},
		func(p *config.Page, v value) { p.UsersFile = config.NewBlob(v.text) },
	},
	{
		attribute{name: "cert_file", kind: certificateFile, doc: "The certificate of the status page, in PEM"},
		func(p *config.Page, v value) { p.Cert = config.NewBlob(v.text) },
	},
	{
		attribute{name: "key_file", kind: keyFile, doc: "Its key, in PEM"},
		func(p *config.Page, v value) { p.Key = v.secret },
	},
	{
		attribute{name: "public_groups", kind: referencesTo("group"), doc: "Groups that are shown to everybody"},
		func(p *config.Page, v value) {
			p.PublicGroups = mapped(v.refs, func(r ref) config.GroupID { return config.GroupID(r.id) })
		},
	},
}

func (l *loader) defineHistoryAndPage() {
	l.config.History = config.History{Detail: 48 * time.Hour, Hourly: 90 * day, Daily: 400 * day}
	if b := l.single["history"]; b != nil {
		l.notInEffect(historyBlock, b)
		decode(l, historyTable, l.content(b, historyBlock, "history"), &l.config.History)
	}
	l.config.Page.Title = "imapvigil"
	if b := l.single["page"]; b != nil {
		l.notInEffect(pageBlock, b)
		content := l.content(b, pageBlock, "page")
		if !decode(l, pageTable, content, &l.config.Page) {
			l.config.Daemon.Listen = "" // a page that does not know its users is not for everybody
		} else if complaint := notAKeyPair(l.config.Page.Cert, l.config.Page.Key, !l.snapshot.Options().NoCredentials); complaint != "" {
			l.Report(ruleKeyPair, header(b), "%s", complaint)
		}
	}
}
