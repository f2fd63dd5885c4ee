package hclfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/alertmanager"
	"github.com/imapvigil/imapvigil/notifiers/discord"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/exec"
	"github.com/imapvigil/imapvigil/notifiers/googlechat"
	"github.com/imapvigil/imapvigil/notifiers/gotify"
	"github.com/imapvigil/imapvigil/notifiers/jsm"
	"github.com/imapvigil/imapvigil/notifiers/matrix"
	"github.com/imapvigil/imapvigil/notifiers/mattermost"
	"github.com/imapvigil/imapvigil/notifiers/ntfy"
	"github.com/imapvigil/imapvigil/notifiers/pagerduty"
	"github.com/imapvigil/imapvigil/notifiers/pushover"
	"github.com/imapvigil/imapvigil/notifiers/rocketchat"
	"github.com/imapvigil/imapvigil/notifiers/slack"
	"github.com/imapvigil/imapvigil/notifiers/sms"
	"github.com/imapvigil/imapvigil/notifiers/teams"
	"github.com/imapvigil/imapvigil/notifiers/telegram"
	"github.com/imapvigil/imapvigil/notifiers/voice"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
	"github.com/imapvigil/imapvigil/notifiers/zulip"
)

// available are all kinds of notifiers. A new one is a line here.
var available = []notifiers.Channel{
	discord.Channel,
	email.Channel,
	googlechat.Channel,
	matrix.Channel,
	mattermost.Channel,
	pushover.Channel,
	rocketchat.Channel,
	slack.Channel,
	sms.Channel,
	teams.Channel,
	telegram.Channel,
	voice.Channel,
	webhook.Channel,
	zulip.Channel,
	alertmanager.Channel,
	exec.Channel,
	pagerduty.Channel,
	jsm.Channel,
	ntfy.Channel,
	gotify.Channel,
}

// A channel is one kind of notifier with what it adds to the language: attributes of
// the notifier block, and attributes of the notify blocks that use it.
type channel struct {
	notifiers.Channel
	notifier, notify           *blockType
	notifierTable, notifyTable table[notifiers.Values]
	common                     table[config.Notifier]
	commonNotify               table[config.Notify]
}

// channels are those that are available, ready for use.
var channels = mapped(available, newChannel)

func notifierVariants() []*blockType {
	return mapped(channels, func(c *channel) *blockType { return c.notifier })
}

func notifyVariants() []*blockType {
	return mapped(channels, func(c *channel) *blockType { return c.notify })
}

func channelOf(kind string) *channel {
	for _, c := range channels {
		if string(c.Kind) == kind {
			return c
		}
	}
	return nil
}

func channelKinds() []string {
	return mapped(channels, func(c *channel) string { return string(c.Kind) })
}

// newChannel returns a channel whose tables are joined with those that all have.
func newChannel(of notifiers.Channel) *channel {
	c := &channel{Channel: of, notifierTable: channelTable(of.Attributes), notifyTable: channelTable(of.NotifyAttributes)}
	c.common, c.commonNotify = notifierTable, wayTable
	if c.Mentions {
		c.commonNotify = slices.Concat(wayTable, mentionTable)
	}
	if c.People {
		c.common = slices.Concat(notifierTable, wordsTable(c.MaxText))
	}
	c.notifier = define(blockType{name: "notifier", variant: string(c.Kind), labels: []string{"kind", "name"}, doc: c.Doc}, c.notifierTable.attributes(), c.common.attributes())
	c.notify = define(blockType{name: "notify", variant: string(c.Kind), doc: c.Doc}, c.commonNotify.attributes(), c.notifyTable.attributes())
	return c
}

// channelTable returns a table of a channel's package, with what reads each type.
func channelTable(attributes []notifiers.Attribute) (rows table[notifiers.Values]) {
	for _, a := range attributes {
		rows = append(rows, row[notifiers.Values]{
			attribute{name: a.Name, kind: kindOf(a), required: a.Required, secret: a.Type.IsSecret(), fallback: a.Default, doc: a.Doc},
			func(values *notifiers.Values, v value) {
				(*values)[a.Name] = notifiers.Value{
					Text: v.text, Number: int(v.number), Bool: v.flag, Duration: v.span(), List: v.list, Map: v.texts, Secret: v.secret,
				}
			},
		})
	}
	return rows
}

// readersOfTypes are what reads the types of a channel's attributes.
var readersOfTypes = map[notifiers.Type]kind{
	notifiers.Text: text, notifiers.Hostname: hostname, notifiers.DomainName: domainName, notifiers.EmailAddress: emailAddress,
	notifiers.PhoneNumber: phoneNumber, notifiers.URL: secureURL, notifiers.Certificates: authorityFile, notifiers.Secret: secret,
	notifiers.SecretText: hidden, notifiers.SecretURL: plainURL, notifiers.Headers: headers,
	notifiers.HookURL: hookURL, notifiers.ServiceURL: serviceURL,
	notifiers.Bool: boolean, notifiers.Map: textMap, notifiers.SecretMap: secretMap, notifiers.SecretURLs: plainURLs,
}

// kindOf returns what reads an attribute of a channel.
func kindOf(a notifiers.Attribute) kind {
	k := readersOfTypes[a.Type]
	switch a.Type {
	case notifiers.Number:
		k = integer(a.Min, a.Max)
	case notifiers.Template:
		k = templateJudged(a.Judge)
	case notifiers.Span:
		k = spanKind(a.Shortest, a.Longest, false)
	case notifiers.Choice:
		k = oneOf(a.Choices...)
	}
	switch {
	case a.Type == notifiers.People:
		k = people
	case a.Repeats:
		k = inOrder(k)
	case a.List:
		k = texts(k)
	}
	if a.NotEmpty {
		k = atLeastOne(k)
	}
	return k
}

// targets returns the targets of a notify block; false where something is wrong, which
// has been reported.
func (c *channel) targets(l *loader, content *contents) ([]notifiers.Target, bool) {
	values := notifiers.Values{}
	if !decode(l, c.notifyTable, content, &values) {
		return nil, false
	}
	list, err := c.Targets(values)
	if err != nil {
		l.unsuited(err, content)
		return nil, false
	}
	return list, true
}

// perHourDefaults returns how many messages an hour the channels send at most where
// nothing is written, for the manual.
func perHourDefaults() string {
	var bounded []string
	for _, c := range available {
		if c.PerHour > 0 {
			bounded = append(bounded, fmt.Sprintf("%s: %d", c.Kind, c.PerHour))
		}
	}
	return strings.Join(append(bounded, "others: no limit"), ", ")
}

var notifierTable = table[config.Notifier]{
	newRow("max_per_hour", integer(0, 100_000), perHourDefaults(), "How many messages are sent within an hour at most; the rest becomes one digest, and recoveries are sent in any case. 0: no limit",
		func(n *config.Notifier, v value) { n.MaxPerHour = int(v.number) }),
}

func (l *loader) defineNotifier(b namedBlock) {
	c := channelOf(b.block.Labels[0])
	if c == nil {
		l.unknownKind(b.block)
		return
	}
	content := l.content(b.block, c.notifier, fmt.Sprintf("notifier %q", c.Kind))
	n := &config.Notifier{ID: config.NotifierID(b.id), MaxPerHour: c.PerHour, Pos: diagnose.Position(header(b.block))}
	unread := l.unread
	// Both tables are decoded even if the first fails, so that everything wrong is said.
	common := decode(l, c.common, content, n)
	values := notifiers.Values{}
	if !decode(l, c.notifierTable, content, &values) || !common {
		return
	}
	n.Settings = c.Settings(values)
	// A secret that was not read has another text in its place, which may not suit.
	if !l.checkExposed(n.Settings, c, content) {
		return
	}
	if l.unread != unread || l.opens(n, content) {
		l.config.Notifiers[n.ID] = n
	}
}

// checkExposed refuses secrets in requests that others can read. A key that only signs is
// not sent.
func (l *loader) checkExposed(s notifiers.Settings, c *channel, content *contents) bool {
	exposed, ok := s.(notifiers.Exposed)
	if !ok || !exposed.IsExposed() {
		return true
	}
	sent := []notifiers.Type{notifiers.SecretURL, notifiers.SecretURLs, notifiers.SecretText, notifiers.Headers}
	clean := true
	for _, a := range c.Attributes {
		attr := content.Attributes[a.Name]
		if attr != nil && slices.Contains(sent, a.Type) && l.holding[attr.Expr.Range()] {
			l.Report(rulePlainHTTP, attr.Expr.Range(), "%s has a secret in it, which others on the network could read: url begins with http:// and does not lead to this machine. Use https://, or remove the secret.", a.Name)
			clean = false
		}
	}
	return clean
}

// targetAttributes returns those attributes of a notify block that say whom it reaches.
func (c *channel) targetAttributes() []string { return c.notify.attributeNames()[len(wayTable):] }

func (l *loader) unknownKind(b *hcl.Block) {
	kind, at := b.Labels[0], b.LabelRanges[0]
	wrong := complaint{
		fmt.Sprintf("There is no kind of notifier called %q.%s", kind, diagnose.DidYouMean(kind, channelKinds(), diagnose.Quoted, "The kinds are")),
		fmt.Sprintf("There is no such kind of notifier. The kinds are %s.", diagnose.Enumerate(diagnose.QuoteAll(channelKinds()), "and")),
	}
	l.Report(ruleChoice, at, "%s", wrong.says(l.standsIn(at, kind)))
}

// opens reports whether a notifier can be opened, which does no I/O, so that what does
// not fit together is found now.
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
	for _, word := range wordsInError.FindAllString(text, -1) {
		if strings.HasPrefix(text, word+" is missing") { // it is not there to be pointed at
			break
		}
		if attr := content.Attributes[word]; attr != nil {
			l.Report(ruleUnsuitedValue, attr.Expr.Range(), "%s.", text)
			return
		}
	}
	l.Report(ruleUnsuitedNotifier, content.at, "%s.", text)
}

var wordsInError = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_-]*`)
