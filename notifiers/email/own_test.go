package email_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// Own words are the letter: the text as it is, and the same as HTML, in which nothing of it is
// markup. The button that acknowledges stays.
func TestOwnWords(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	n := open(t, settings)
	own, linked := notifiertest.Message("key-own"), notifiertest.Gathered()[3]
	own.Own = notifiers.Words{Subject: "MAIL DOWN\r\nBcc: evil@example.net", Text: "Hello,\n\n  see https://wiki.example.org/mx1?a=1&b=2.\n<b>not bold</b> {{.}} \"<a href='x'>\""}
	linked.Key, linked.Own = "key-own-linked", notifiers.Words{Text: "mx1 is down"}
	failed := notifiertest.Message("key-own-failed")
	failed.Own = notifiers.Words{Note: "Note: the template failed."}
	for i, m := range []notifiers.Message{own, linked, failed} {
		if _, err := n.Notify(t.Context(), target(t, "it@example.net"), m); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(m.Key, "key-")
		data := sink.Messages()[i].Data
		golden.Compare(t, "testdata/"+name+".eml", string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
		golden.Compare(t, "testdata/html/"+name+".html", parse(data).html)
	}
}
