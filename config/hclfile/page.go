package hclfile

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

var historyTable = table[config.History]{
	newRow("detail", durationBetween(time.Hour, unbounded), `"48h"`, "How long each minute is kept",
		func(h *config.History, v value) { h.Detail = v.span() }),
	newRow("hourly", durationBetween(day, unbounded), `"90d"`, "How long each hour is kept",
		func(h *config.History, v value) { h.Hourly = v.span() }),
	newRow("daily", durationBetween(day, unbounded), `"400d"`, "How long each day is kept",
		func(h *config.History, v value) { h.Daily = v.span() }),
}

var pageTable = table[config.Page]{
	newRow("title", text, `"imapvigil"`, "The title of the status page",
		func(p *config.Page, v value) { p.Title = v.text }),
	newRow("users_file", usersFile, "", "Who may log in: lines name:hash, as htpasswd -B of the package apache2-utils writes them. Only bcrypt is read",
		func(p *config.Page, v value) { p.Users = v.users }),
	newRow("tokens_file", tokensFile, "", "Programs that may ask without logging in: lines with a name, a right (metrics, read or operate) and the SHA-256 of the token in hex",
		func(p *config.Page, v value) { p.Tokens = v.tokens }),
	newRow("cert_file", certificateFile, "", "The certificate of the status page, in PEM",
		func(p *config.Page, v value) { p.Cert = config.NewBlob(v.text) }),
	newRow("key_file", keyFile, "", "Its key, in PEM",
		func(p *config.Page, v value) { p.Key = v.secret }),
	newRow("public_groups", referencesTo("group"), "", "Groups that are shown to everybody",
		func(p *config.Page, v value) { p.PublicGroups = idsOf[config.GroupID](v.refs) }),
}

func (l *loader) defineHistoryAndPage() {
	l.config.History = config.History{Detail: 48 * time.Hour, Hourly: 90 * day, Daily: 400 * day}
	if b := l.single["history"]; b != nil {
		decode(l, historyTable, l.content(b, historyBlock, "history"), &l.config.History)
	}
	l.config.Page.Title = "imapvigil"
	if b := l.single["page"]; b != nil {
		content := l.content(b, pageBlock, "page")
		if !decode(l, pageTable, content, &l.config.Page) {
			l.config.Daemon.Listen = "" // a page that does not know its users is not for everybody
		} else if complaint := notAKeyPair(l.config.Page.Cert, l.config.Page.Key, !l.snapshot.Options().NoCredentials); complaint != "" {
			l.Report(ruleKeyPair, header(b), "%s", complaint)
		}
	}
}
