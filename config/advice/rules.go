package advice

import (
	"fmt"

	"github.com/imapvigil/imapvigil/config"
)

// What is warned of.
var (
	ruleNoChecks     = newRule("no-checks", "No checks")
	ruleMonitorRoles = newRule("monitor-roles", "No roles for problems of imapvigil itself")
	ruleNoRoles      = newRule("no-roles", "Check without notification roles")
	ruleNobody       = newRule("nobody", "Nobody is notified")
	ruleUnused       = newRule("unused", "Never used")
	ruleOwnMail      = newRule("own-mail", "Alarm sent through the host that it is about")
	ruleMailPort     = newRule("mail-port", "Port does not fit the encryption")
	ruleIncomplete   = newRule("incomplete", "Notifier that cannot send yet")
	ruleExposed      = newRule("unencrypted", "Messages sent unencrypted")
	ruleUncovered    = newRule("uncovered", "Hours without notifications")
	ruleNoHeartbeat  = newRule("no-heartbeat", "No heartbeat")
	ruleReminders    = newRule("reminders", "More reminders than may be sent")

	ruleFewNodes   = newRule("one-node", "Cluster of one node")
	ruleOneDecider = newRule("one-decider", "Nobody can take over")
	ruleFewServers = newRule("few-servers", "Cluster that needs one machine")
	ruleHeartbeat  = newRule("heartbeat", "Heartbeat of one machine")

	ruleNoOperators      = newRule("no-operators", "Page without operators")
	rulePageOpen         = newRule("page-open", "Page open to everybody")
	ruleHistorySize      = newRule("history-size", "History larger than it may be")
	ruleShortHistory     = newRule("short-history", "History too short")
	rulePastAnnouncement = newRule("past-announcement", "Announcement in the past")
	ruleIdleCorrection   = newRule("idle-correction", "Correction without effect")
)

// Rules are all rules of this package.
var Rules []*config.Rule

func newRule(id, summary string) *config.Rule {
	r := &config.Rule{ID: id, Gravity: config.Warning, Summary: summary}
	Rules = append(Rules, r)
	return r
}

func (a *adviser) warn(r *config.Rule, at config.Pos, format string, args ...any) {
	a.diags = append(a.diags, config.Diagnostic{
		Gravity: r.Gravity, Rule: r.ID, Summary: r.Summary, Detail: fmt.Sprintf(format, args...), Pos: at,
	})
}
