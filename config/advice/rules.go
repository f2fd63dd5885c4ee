package advice

import (
	"fmt"

	"github.com/imapvigil/imapvigil/config"
)

// What is warned of.
var (
	ruleNoChecks     = rule("no-checks", "No checks")
	ruleMonitorRoles = rule("monitor-roles", "No roles for the monitor itself")
	ruleNoRoles      = rule("no-roles", "Check without notification roles")
	ruleNobody       = rule("nobody", "Nobody is told")
	ruleUnused       = rule("unused", "Never used")
	ruleOwnMail      = rule("own-mail", "Alarm depends on what it is about")
	ruleMailPort     = rule("mail-port", "Port for another kind of encryption")
	ruleUncovered    = rule("uncovered", "Hours that nobody covers")
	ruleNoHeartbeat  = rule("no-heartbeat", "Nobody watches the watcher")
)

// Rules are all rules of this package.
var Rules []*config.Rule

func rule(id, summary string) *config.Rule {
	r := &config.Rule{ID: id, Gravity: config.Warning, Summary: summary}
	Rules = append(Rules, r)
	return r
}

func (a *adviser) warn(r *config.Rule, at config.Pos, format string, args ...any) {
	a.diags = append(a.diags, config.Diagnostic{
		Gravity: r.Gravity, Rule: r.ID, Summary: r.Summary, Detail: fmt.Sprintf(format, args...), Pos: at,
	})
}
