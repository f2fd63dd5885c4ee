package daemon

import (
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// openable are settings whose notifiers know whether they were closed.
type openable struct{ notifiers.Settings }

func (openable) Open() (notifiers.Notifier, error) { return &closable{}, nil }

type closable struct {
	notifiers.Notifier
	closed bool
}

func (c *closable) Close() error { c.closed = true; return nil }

// Other words are no other notifier: its connections stay, and it is not closed.
func TestNewWordsKeepTheNotifier(t *testing.T) {
	withText := func(text string) *config.Config {
		return &config.Config{Notifiers: map[config.NotifierID]*config.Notifier{"email.mail": {ID: "email.mail", Settings: openable{}, Text: text}}}
	}
	before, _ := openChannels(withText("a"), nil)
	after, diags := openChannels(withText("b"), before)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	closeUnused(before, after)
	was, is := before["email.mail"], after["email.mail"]
	if is.Notifier != was.Notifier || is.Notifier.(*closable).closed || is.Words == was.Words {
		t.Errorf("was %+v, is %+v", was, is)
	}
	if again, _ := openChannels(withText("b"), after); again["email.mail"] != is {
		t.Errorf("was %+v, is %+v although nothing has changed", is, again["email.mail"])
	}
	if _, diags := openChannels(withText("{{"), before); len(diags) != 1 || diags[0].Detail != "text: line 1, column 1: unclosed action" {
		t.Errorf("a template that cannot be read: %+v", diags)
	}
}
