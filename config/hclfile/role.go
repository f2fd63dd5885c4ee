package hclfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/notifiers"
)

var roleTable = table[config.Role]{
	newRow("label", text, "the name", "What people call the role",
		func(r *config.Role, v value) { r.Label = v.text }),
	newRow("timezone", timeZone, "that of daemon", "The zone of the times in messages to this role, like \"Asia/Tokyo\"",
		func(r *config.Role, v value) { r.Zone = zone(v.text) }),
	newRow("notify_test", oneOf("week", "month"), "never", "How often a test message is sent to each destination of the role, in the late morning of a Tuesday, of the first in the month with \"month\". What does not arrive is a problem of imapvigil itself",
		func(r *config.Role, v value) { r.NotifyTest = config.ReportPeriod(v.text) }),
}

// conditionWords are what an incident can be about.
var conditionWords = retyped[string](slices.Collect(config.AllConditions().All()))

// transitions are what can be told of an incident, in the order of its life.
var transitions = []string{"opened", "changed", "acknowledged", "closed", "reminder"}

// wayTable is what every notify block takes, whatever its notifier.
var wayTable = table[config.Notify]{
	newRow("via", referenceTo("notifier"), "", "The notifier that sends the messages",
		func(w *config.Notify, v value) { w.ID.Notifier = config.NotifierID(v.refs[0].id) }, required),
	newRow("after", spanOrZero(0, 30*day), `"0s"`, "Escalation: how long after the incident was reported a message is sent, unless it is closed or acknowledged by then",
		func(w *config.Notify, v value) { w.After = v.span() }),
	newRow("during", referenceTo("schedule"), "always", "Messages are sent only within the windows of this schedule. An opening waits for the next window, and is sent if the incident is still open",
		func(w *config.Notify, v value) { w.During = config.ScheduleID(v.refs[0].id) }),
	newRow("on", atLeastOne(texts(oneOf(transitions...))), transitionDefaults(), "Which messages are sent of an incident. "+endsInAnyCase(),
		func(w *config.Notify, v value) { w.On = transitionsOf(v.list) }),
	newRow("severity", oneOf("degraded", "down"), severityDefaults(), `"degraded": everything, "down": only what is down`,
		func(w *config.Notify, v value) { w.Severity = config.Severity(v.text) }),
	newRow("conditions", atLeastOne(texts(oneOf(conditionWords...))), "all", "The conditions about which messages are sent",
		func(w *config.Notify, v value) {
			w.Conditions = config.ConditionSet(retyped[config.Condition](v.list)...)
		}),
}

// endsInAnyCase returns which kinds get the end whatever on says, for the manual.
func endsInAnyCase() string {
	var kinds []string
	for _, c := range available {
		if c.Resolves {
			kinds = append(kinds, string(c.Kind))
		}
	}
	return fmt.Sprintf("For %s the end is sent in any case: an alert stays open there until then", diagnose.Enumerate(kinds, "and"))
}

// mentionTable is what the notify blocks of notifiers take that can mention somebody.
var mentionTable = table[config.Notify]{
	newRow("mention_severity", oneOf("degraded", "down"), `"degraded"`, `"down": what is only degraded mentions nobody, unless it has escalated. Ends and acknowledgements never do`,
		func(w *config.Notify, v value) { w.MentionSeverity = config.Severity(v.text) }),
}

// transitionsOf returns the list in the order of an incident's life.
func transitionsOf(words []string) []notifiers.Transition {
	var list []notifiers.Transition
	for _, t := range transitions {
		if slices.Contains(words, t) {
			list = append(list, notifiers.Transition(t))
		}
	}
	return list
}

// isDefault reports whether a list of transitions is what a notify block of a kind asks for that says
// nothing, so that writing the default changes nothing.
func isDefault(list []notifiers.Transition, of notifiers.Traits) bool {
	left := len(transitions)
	if !of.Acknowledged {
		left--
	}
	return len(list) == left && slices.Contains(list, notifiers.Acknowledged) == of.Acknowledged
}

// transitionDefaults returns what on is where it is not written, for the manual.
func transitionDefaults() string {
	var kinds []string
	for _, c := range available {
		if c.Acknowledged {
			kinds = append(kinds, string(c.Kind))
		}
	}
	if len(kinds) == 0 {
		return `all but "acknowledged"`
	}
	return fmt.Sprintf(`all for %s, else all but "acknowledged"`, diagnose.Enumerate(kinds, "and"))
}

func (l *loader) defineRole(b namedBlock) {
	content := l.content(b.block, roleBlock, "notification_role")
	role := &config.Role{ID: config.RoleID(b.id), Label: b.id, Pos: diagnose.Position(header(b.block))}
	ok := decode(l, roleTable, content, role)
	var ways []writtenWay
	for _, inner := range content.Blocks {
		more, good := l.defineWays(role.ID, inner)
		ok = ok && good // and on to the next: everything wrong is said
		ways = append(ways, more...)
	}
	if len(content.Blocks) == 0 {
		l.Report(ruleNoWay, header(b.block), "This role notifies nobody. Write at least one notify block: notify { via = notifier.email.name ... }")
		return
	}
	if !l.checkWays(ways) || !ok {
		return
	}
	for _, w := range ways {
		role.Notify = append(role.Notify, w.Notify)
	}
	l.config.Roles[role.ID] = role
}

// A writtenWay is a way and where it stands.
type writtenWay struct {
	config.Notify
	at    hcl.Range
	shown bool // a message may repeat what it is
}

// defineWays returns the destinations of one notify block: one, or one for each number.
func (l *loader) defineWays(role config.RoleID, b *hcl.Block) ([]writtenWay, bool) {
	c, ok := l.channelFor(b)
	if !ok {
		return nil, false
	}
	content := l.content(b, c.notify, fmt.Sprintf("notify block for %s", c.Kind))
	way := config.Notify{Pos: diagnose.Position(header(b))}
	way.ID.Role = role
	ok = decode(l, c.commonNotify, content, &way)
	targets, good := c.targets(l, content)
	if !ok || !good || !l.suit(way.ID.Notifier, targets, content) {
		return nil, false
	}
	if isDefault(way.On, c.Traits) {
		way.On = nil
	}
	switch {
	case way.Severity != "":
	case way.After > 0:
		way.Severity = config.SeverityDown
	default:
		way.Severity = cmp.Or(config.Severity(c.Severity), config.SeverityDegraded)
	}
	var ways []writtenWay
	for _, target := range targets {
		way.Target = target
		way.ID.Target = target.String()
		ways = append(ways, writtenWay{way, header(b), literals(content.Attributes, c.targetAttributes()...)})
	}
	return ways, true
}

// suit reports whether the notifier can reach the targets of a notify block; what does not fit
// together is reported. A notifier that is itself in error has been reported.
func (l *loader) suit(id config.NotifierID, targets []notifiers.Target, content *contents) bool {
	notifier := l.config.Notifiers[id]
	if notifier == nil {
		return true
	}
	checker, ok := notifier.Settings.(notifiers.TargetChecker)
	if !ok {
		return true
	}
	for _, target := range targets {
		if err := checker.CheckTarget(target); err != nil {
			l.unsuited(err, content)
			return false
		}
	}
	return true
}

// severityDefaults returns what severity is where it is not written, for the manual.
func severityDefaults() string {
	var kinds []string
	for _, c := range available {
		if c.Severity == string(config.SeverityDown) {
			kinds = append(kinds, string(c.Kind))
		}
	}
	return fmt.Sprintf(`"down" for %s and where after is written, else "degraded"`, diagnose.Enumerate(kinds, "and"))
}

// channelFor returns what kind of notifier a notify block uses, which decides what else
// may stand in it.
func (l *loader) channelFor(b *hcl.Block) (*channel, bool) {
	only := &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "via"}}}
	// What else may stand in the block depends on the notifier, so via is read alone
	// first.
	content, _, _ := b.Body.PartialContent(only)
	via := content.Attributes["via"]
	v, ok := (*value)(nil), true
	if via != nil {
		v, ok = l.read(&wayTable[0].attribute, via)
	}
	if !ok {
		return nil, false
	}
	if v == nil {
		l.Report(ruleMissing, header(b), "A notify block needs via: the notifier that carries the messages, like\n    via = notifier.email.name")
		return nil, false
	}
	kind, _, _ := strings.Cut(v.refs[0].id, ".")
	c := channelOf(kind)
	return c, c != nil
}

// checkWays refuses two ways that are one: what was told on it is remembered
// under its notifier and target.
func (l *loader) checkWays(ways []writtenWay) bool {
	ok := true
	first := map[config.NotifyID]hcl.Range{}
	for _, w := range ways {
		if at, twice := first[w.ID]; twice {
			way := "by " + string(w.ID.Notifier)
			if w.ID.Target != "" {
				way += " to " + w.ID.Target
			}
			which := complaint{way, "to this destination"}.says(w.shown)
			l.Report(ruleSameWay, w.at, "The messages of this role are already sent %s, by the notify block at %s.", which, diagnose.FirstAt(at))
			ok = false
			continue
		}
		first[w.ID] = w.at
	}
	return ok
}
