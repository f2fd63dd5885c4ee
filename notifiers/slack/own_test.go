package slack_test

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// Own words are plain text: nothing in them is markup. The link that acknowledges stays.
func TestOwnWords(t *testing.T) {
	sink, settings := start(t, httpsink.Slack)
	m := notifiertest.Gathered()[3]
	m.Own = notifiers.Words{Subject: "*MAIL* <!channel>", Text: "*bold* _it_ `code` <@U1> https://example.org\n\n  two"}
	if _, err := open(t, settings).Notify(t.Context(), ops, m); err != nil {
		t.Fatal(err)
	}
	text := show(t, parse(sink.Requests()[0]))
	golden.Compare(t, "testdata/own.txt", text)
	if strings.Contains(text, "<!channel>") || strings.Contains(text, "<@U1>") {
		t.Errorf("a mention went out: %s", text)
	}
}
