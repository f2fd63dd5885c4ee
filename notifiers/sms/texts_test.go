package sms_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/sms"
)

// What a phone shows, of every kind of message.
func TestTexts(t *testing.T) {
	sink := start(t, httpsink.Twilio)
	n := open(t, twilio(sink.URL()))
	var all strings.Builder
	for i, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		if _, err := n.Notify(t.Context(), sms.Target{To: "+15550100"}, m); err != nil {
			t.Fatal(err)
		}
		all.WriteString("-- " + strings.TrimPrefix(m.Key, "key-") + " --\n" + form(t, sink.Requests()[i]).Get("Body") + "\n")
	}
	golden.Compare(t, "testdata/texts.txt", all.String())
}
