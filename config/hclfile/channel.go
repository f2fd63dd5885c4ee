package hclfile

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A channel is what one kind of notifier adds to the language: attributes of
// the notifier block, and attributes of the notify blocks that use it.
type channel struct {
	kind     notifiers.Kind
	severity config.Severity // the default of severity in notify; empty: degraded
	perHour  int             // the default of max_per_hour

	notifier *blockType
	notify   *blockType
	settings func(*loader, *contents) (notifiers.Settings, bool)
	targets  func(*loader, *contents) ([]notifiers.Target, bool)
}

// channels are all kinds of notifiers. A new one is a line here and a file
// with its two tables.
var channels = []*channel{emailChannel, slackChannel, smsChannel, webhookChannel}

func notifierVariants() []*blockType {
	var list []*blockType
	for _, c := range channels {
		list = append(list, c.notifier)
	}
	return list
}

func notifyVariants() []*blockType {
	var list []*blockType
	for _, c := range channels {
		list = append(list, c.notify)
	}
	return list
}

func channelOf(kind string) *channel {
	for _, c := range channels {
		if string(c.kind) == kind {
			return c
		}
	}
	return nil
}

func channelKinds() []string {
	var kinds []string
	for _, c := range channels {
		kinds = append(kinds, string(c.kind))
	}
	return kinds
}

// newChannel joins the tables of a channel with those that all have. targets
// makes the targets of a notify block, each of which is a way of its own.
func newChannel[S notifiers.Settings, T any](c channel, doc string, settings table[S], initial S, notify table[T], targets func(T) ([]notifiers.Target, error)) *channel {
	c.notifier = define(blockType{name: "notifier", variant: string(c.kind), labels: []string{"kind", "name"}, doc: doc}, settings.attributes(), notifierTable.attributes())
	c.notify = define(blockType{name: "notify", variant: string(c.kind), doc: doc}, wayTable.attributes(), notify.attributes())
	c.settings = func(l *loader, content *contents) (notifiers.Settings, bool) {
		s := initial
		ok := decode(l, settings, content, &s)
		return s, ok
	}
	c.targets = func(l *loader, content *contents) ([]notifiers.Target, bool) {
		var t T
		if !decode(l, notify, content, &t) {
			return nil, false
		}
		list, err := targets(t)
		if err != nil {
			l.unsuited(err, content)
			return nil, false
		}
		return list, true
	}
	return &c
}

var notifierTable = table[config.Notifier]{
	{
		attribute{name: "max_per_hour", kind: integer(0, 100_000), fallback: "sms: 30, others: no bound", doc: "How many messages an hour go out at most; the rest becomes one digest, and the end of what was told goes out in any case. 0: no bound"},
		func(n *config.Notifier, v value) { n.MaxPerHour = int(v.number) },
	},
}

func (l *loader) defineNotifiers() {
	for _, b := range l.named["notifier"] {
		if n := l.defineNotifier(b); n != nil {
			l.config.Notifiers[n.ID] = n
		}
	}
}

func (l *loader) defineNotifier(b namedBlock) *config.Notifier {
	c := channelOf(b.block.Labels[0])
	if c == nil {
		l.unknownKind(b.block)
		return nil
	}
	content := l.content(b.block, c.notifier, fmt.Sprintf("notifier %q", c.kind))
	n := &config.Notifier{ID: config.NotifierID(b.id), MaxPerHour: c.perHour, Pos: position(header(b.block))}
	unread := l.unread
	common := decode(l, notifierTable, content, n)
	settings, ok := c.settings(l, content)
	if !ok || !common {
		return nil
	}
	n.Settings = settings
	if l.unread == unread && !l.opens(n, content) {
		return nil
	}
	return n
}

// targetAttributes are those of a notify block that say whom it reaches.
func (c *channel) targetAttributes() []string { return c.notify.attributeNames()[len(wayTable):] }

func (l *loader) unknownKind(b *hcl.Block) {
	kind, at := b.Labels[0], b.LabelRanges[0]
	wrong := complaint{
		fmt.Sprintf("There is no kind of notifier called %q.%s", kind, didYouMean(kind, channelKinds(), quoted, "The kinds are")),
		fmt.Sprintf("There is no such kind of notifier. The kinds are %s.", enumerate(quoteAll(channelKinds()), "and")),
	}
	l.report(ruleChoice, at, "%s", wrong.says(l.standsIn(at, kind)))
}

// opens opens a notifier, which does no I/O, so that what does not fit together
// is found now.
func (l *loader) opens(n *config.Notifier, content *contents) bool {
	opened, err := n.Settings.Open()
	if err != nil {
		l.unsuited(err, content)
		return false
	}
	_ = opened.Close()
	return true
}

// unsuited reports what does not fit together in a notifier or a notify block: at
// the first attribute that the error names and that is written, else, where
// something is missing, at the block.
func (l *loader) unsuited(err error, content *contents) {
	text := l.withoutValues(err, content)
	for _, word := range wordsIn.FindAllString(text, -1) {
		if strings.HasPrefix(text, word+" is missing") {
			break
		}
		if attr := content.Attributes[word]; attr != nil {
			l.report(ruleUnsuitedValue, attr.Expr.Range(), "%s.", text)
			return
		}
	}
	l.report(ruleUnsuitedNotifier, content.at, "%s.", text)
}
