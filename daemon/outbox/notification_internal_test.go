package outbox

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Two acknowledgements follow each other at the same moment, and the message about the second replaces that about
// the first: it is another message, and waits to be sent.
func TestReplacesAtTheSameMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	told := Notification{At: now, NotifyID: config.NotifyID{Role: "it", Notifier: "webhook.hook"}, Kind: "webhook"}
	told.Items = []Item{{Incident: "a", Transition: notifiers.Acknowledged, Episode: 1, Acknowledged: now.Add(-time.Second)}}
	told.Key = told.deriveKey()
	newer := told
	newer.Items = []Item{{Incident: "a", Transition: notifiers.Acknowledged, Episode: 1, Acknowledged: now}}
	newer.Replaces = []Key{told.Key}
	newer.Key = newer.deriveKey()
	b := NewBook()
	b.Apply(told)
	b.Apply(newer)
	if d, known := b.Delivery(newer.Key); !known || d.State != Queued {
		t.Errorf("the newer message is known: %t, %+v", known, d)
	}
	if d, known := b.Delivery(told.Key); !known || d.State != Replaced {
		t.Errorf("the older message is known: %t, %+v", known, d)
	}
}
