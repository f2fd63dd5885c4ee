package notifiertest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// attributes looks at the tables of the channel: each attribute is described, and
// what is written for it makes a difference to the settings or to the targets.
func (t *trial) attributes() {
	channel, ok := notifiers.ChannelOf(t.Settings.Kind())
	if !ok {
		t.Fatalf("no channel is called %q", t.Settings.Kind())
	}
	if channel.Doc == "" || strings.HasSuffix(channel.Doc, ".") {
		t.Errorf("the channel is described as %q", channel.Doc)
	}
	guided(t.T, channel.Guide)
	described(t.T, channel.Attributes)
	described(t.T, channel.NotifyAttributes)
	for _, a := range channel.Attributes {
		if channel.Settings(notifiers.Values{a.Name: sample(a)}) == channel.Settings(nil) {
			t.Errorf("%s makes no difference to the settings", a.Name)
		}
	}
	if made, err := channel.Targets(t.Written); err != nil || !slices.Contains(made, t.Target) {
		t.Fatalf("%v makes the targets %v, %v, want %v", t.Written, made, err, t.Target)
	}
	for _, a := range channel.NotifyAttributes {
		other := notifiers.Values{}
		maps.Copy(other, t.Written)
		// What the block has is taken away; what it does not have is written.
		if delete(other, a.Name); len(other) == len(t.Written) {
			other[a.Name] = sample(a)
		}
		if made, err := channel.Targets(other); err == nil && slices.Contains(made, t.Target) {
			t.Errorf("%s makes no difference to the targets", a.Name)
		}
	}
}

// guided reports a section of the manual that says nothing, or whose lines are too long.
func guided(t *testing.T, guide string) {
	t.Helper()
	if strings.TrimSpace(guide) == "" {
		t.Error("the channel has no guide for its section in the manual")
	}
	for line := range strings.Lines(guide) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > 80 || line != strings.TrimRight(line, " \t") {
			t.Errorf("the guide has the line %q", line)
		}
	}
}

// described reports attributes without a name, a description or the bounds of their
// type.
func described(t *testing.T, attributes []notifiers.Attribute) {
	t.Helper()
	seen := map[string]bool{}
	for _, a := range attributes {
		switch {
		case a.Name == "" || seen[a.Name]:
			t.Errorf("%q is in the table twice", a.Name)
		case a.Doc == "" || strings.HasSuffix(a.Doc, "."):
			t.Errorf("%s is described as %q", a.Name, a.Doc)
		case (a.Type == notifiers.Choice) != (len(a.Choices) > 0), (a.Type == notifiers.Number) != (a.Min < a.Max),
			(a.Type == notifiers.Span) != (a.Shortest < a.Longest):
			t.Errorf("%s has other bounds than its type", a.Name)
		}
		seen[a.Name] = true
	}
}

// sample returns a value that no attribute has by default.
func sample(a notifiers.Attribute) notifiers.Value {
	texts := map[string]string{"id": "sample", "name": "Sample"}
	text := map[notifiers.Type]string{
		notifiers.Hostname: "host.example.org", notifiers.DomainName: "name.example.org",
		notifiers.EmailAddress: "somebody@example.org", notifiers.PhoneNumber: "+15550100999", notifiers.URL: "https://example.org/x",
		notifiers.SecretURL: "https://example.org/s", notifiers.SecretURLs: notifiers.JoinList([]string{"https://example.org/s"}),
		notifiers.SecretMap: notifiers.JoinMap(texts), notifiers.Headers: notifiers.JoinMap(texts), notifiers.People: notifiers.JoinMap(texts),
		notifiers.HookURL: "https://example.org/h", notifiers.ServiceURL: "https://example.org/s",
	}[a.Type]
	switch {
	case a.Type == notifiers.Choice:
		text = a.Choices[len(a.Choices)-1]
	case text == "":
		text = "sample"
	}
	return notifiers.Value{
		Text: text, Number: a.Max, Bool: a.Default != "true", Duration: a.Longest, Map: texts,
		List: []string{text}, Secret: opaque.NewSecret(text),
	}
}
