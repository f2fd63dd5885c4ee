package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Ends and acknowledgements go to each receiver that has heard of the incident, all else to that of the files.
func TestFormerReceivers(t *testing.T) {
	t.Parallel()
	item := func(transition notifiers.Transition, receivers string) notifiers.Item {
		return notifiers.Item{Transition: transition, Thread: notifiers.Thread{Receivers: receivers}}
	}
	lost := notifiers.Permanent(errors.New("403"))
	for name, c := range map[string]struct {
		items   []notifiers.Item
		fail    map[string]error // what receivers answer
		removed bool             // the notifier has left the files
		got     string           // who was asked
		answer  string
		err     string
	}{
		"an opening":                           {items: []notifiers.Item{item(notifiers.Opened, " a")}, got: "c", answer: "by c"},
		"an end":                               {items: []notifiers.Item{item(notifiers.Closed, " a")}, got: "a", answer: "by a"},
		"an acknowledgement":                   {items: []notifiers.Item{item(notifiers.Acknowledged, " b")}, got: "b", answer: "by b"},
		"an end that several wait for":         {items: []notifiers.Item{item(notifiers.Closed, " b a c")}, got: "a b c", answer: "by c"},
		"an end of before there were marks":    {items: []notifiers.Item{item(notifiers.Closed, "")}, got: "c", answer: "by c"},
		"ends and an opening":                  {items: []notifiers.Item{item(notifiers.Closed, " a"), item(notifiers.Opened, "")}, got: "a c", answer: "by c"},
		"nobody knows it any more":             {items: []notifiers.Item{item(notifiers.Closed, " x")}, got: "c", answer: "by c; the opening was sent with other settings of this notifier, which are gone: what it opened may still be open there"},
		"it is refused":                        {items: []notifiers.Item{item(notifiers.Closed, " a")}, fail: map[string]error{"a": lost}, got: "a c", answer: "by c; the opening was sent with other settings of this notifier, which are refused now: 403"},
		"it is busy":                           {items: []notifiers.Item{item(notifiers.Closed, " a c")}, fail: map[string]error{"a": errRefused}, got: "a c", err: "connection refused"},
		"it is refused, and the new one fails": {items: []notifiers.Item{item(notifiers.Closed, " a")}, fail: map[string]error{"a": lost, "c": errRefused}, got: "a c", err: "connection refused"},
		"an end after its notifier left":       {items: []notifiers.Item{item(notifiers.Closed, " b")}, removed: true, got: "b", answer: "by b"},
		"an end without a mark":                {items: []notifiers.Item{item(notifiers.Closed, "")}, removed: true, got: "c", answer: "by c"},
		"an opening for nobody":                {items: []notifiers.Item{item(notifiers.Opened, "")}, removed: true, err: "no longer configured"},
		"an end that tells both":               {items: []notifiers.Item{{Transition: notifiers.Closed, OpeningUntold: true}}, removed: true, err: "no longer configured"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				var r reports
				s := outbox.NewSender(r.add)
				defer s.Stop(t.Context())
				for _, mark := range []string{"a", "b", "c"} {
					s.Use(map[config.NotifierID]outbox.Channel{mail.Notifier: {Settings: settings{}, Receiver: mark, Notifier: notifier(
						func(context.Context, notifiers.Target, notifiers.Message) (notifiers.Receipt, error) {
							asked = append(asked, mark)
							return notifiers.Receipt{Answer: opaque.Sanitise("by " + mark)}, c.fail[mark]
						})}})
				}
				if c.removed {
					s.Use(nil)
				}
				s.Send(mail, toIt, notifiers.Message{Key: "iv_1", Items: c.items})
				a := r.take()[0]
				if got := strings.Join(asked, " "); got != c.got {
					t.Errorf("%s were asked, want %s", got, c.got)
				}
				if a.Err == nil && a.Receipt.Answer.String() != c.answer || (a.Err == nil) != (c.err == "") || a.Err != nil && !strings.Contains(a.Err.Error(), c.err) {
					t.Errorf("answer %q, error %v, want %q, %q", a.Receipt.Answer, a.Err, c.answer, c.err)
				}
				if want := "c"; !c.removed && a.Receiver != want {
					t.Errorf("marked as told to %q", a.Receiver)
				}
			})
		})
	}
}

// However often a key changes, no more than 64 former ones are kept.
func TestFormerReceiversAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		var r reports
		s := outbox.NewSender(r.add)
		defer s.Stop(t.Context())
		for i := range 70 {
			mark := fmt.Sprint("key", i)
			s.Use(map[config.NotifierID]outbox.Channel{mail.Notifier: {Settings: settings{}, Receiver: mark, Notifier: notifier(
				func(context.Context, notifiers.Target, notifiers.Message) (notifiers.Receipt, error) {
					asked = append(asked, mark)
					return notifiers.Receipt{}, nil
				})}})
		}
		for _, mark := range []string{"key0", "key4", "key5", "key68"} {
			s.Send(mail, toIt, notifiers.Message{Key: "iv_1", Items: []notifiers.Item{{Transition: notifiers.Closed, Thread: notifiers.Thread{Receivers: " " + mark}}}})
			r.take()
		}
		if want := []string{"key69", "key69", "key5", "key68"}; !slices.Equal(asked, want) {
			t.Errorf("%q were asked, want %q", asked, want)
		}
	})
}
