package hclfile

import (
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

var reportTable = table[config.Report]{
	newRow("every", oneOf("week", "month", "quarter"), "", "How long a time the report is about; it is sent when that is over. Weeks begin on Monday",
		func(r *config.Report, v value) { r.Every = config.ReportPeriod(v.text) }, required),
	newRow("group", referenceTo("group"), "everything", "The group that it is about",
		func(r *config.Report, v value) { r.Group = config.GroupID(v.refs[0].id) }),
	newRow("timezone", timeZone, "that of page", "The time zone in which its days and months begin and end",
		func(r *config.Report, v value) { r.Zone = zone(v.text) }),
	newRow("roles", atLeastOne(referencesTo("notification_role")), "", "Who gets it, at their email destinations",
		func(r *config.Report, v value) { r.Roles = idsOf[config.RoleID](v.refs) }, required),
	newRow("public", boolean, "false", "true: for people outside. It has labels, and no names of hosts, addresses, causes and roles",
		func(r *config.Report, v value) { r.Public = v.flag }),
}

func (l *loader) defineReport(b namedBlock) {
	content := l.content(b.block, reportBlock, "report")
	r := config.Report{Name: b.id, Pos: diagnose.Position(header(b.block))}
	if decode(l, reportTable, content, &r) && l.checkReport(&r, content) {
		l.config.Reports = append(l.config.Reports, r)
	}
}

// checkReport reports whether somebody gets a report.
func (l *loader) checkReport(r *config.Report, content *contents) bool {
	for _, id := range r.Roles {
		role := l.config.Roles[id]
		if role == nil || hasEmail(role) { // what is wrong with a role has been reported
			return true
		}
	}
	l.Report(ruleReport, content.Attributes["roles"].Expr.Range(), "A report is sent by email, and no notify block of these roles uses an email notifier.")
	return false
}

// hasEmail reports whether a role gets messages by email.
func hasEmail(role *config.Role) bool {
	for _, notify := range role.Notify {
		if strings.HasPrefix(string(notify.ID.Notifier), "email.") {
			return true
		}
	}
	return false
}
