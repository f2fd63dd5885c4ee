package email_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

// What each recipient is answered decides for that recipient alone. Each case
// says who got the letter, in which transaction, and what the receipt says.
func TestRecipients(t *testing.T) {
	answers := func(of map[string]string) func(string, int) string {
		return func(recipient string, _ int) string { return of[recipient[:1]] }
	}
	for _, test := range []struct {
		name       string
		rcpt       func(string, int) string
		settled    []string
		got        string // a transaction each
		recipients string
		answer     string // or error
		permanent  bool
	}{
		{name: "all", got: "[a b c]", answer: "250 2.0.0 queued as 1"},
		{
			name: "one refused for good", rcpt: answers(map[string]string{"b": "550 5.1.1 who?"}), got: "[a c]",
			recipients: "b dead 550 5.1.1 who?, a sent 250 2.0.0 queued as 1, c sent 250 2.0.0 queued as 1",
			answer:     "250 2.0.0 queued as 1; refused: b@example.net: 550 5.1.1 who?",
		},
		{
			name: "one deferred", rcpt: answers(map[string]string{"b": "450 4.2.0 greylisted"}), got: "[a c]",
			recipients: "b retrying 450 4.2.0 greylisted, a sent 250 2.0.0 queued as 1, c sent 250 2.0.0 queued as 1",
			answer:     "RCPT TO b@example.net: 450 4.2.0 greylisted",
		},
		{
			name: "one refused, one deferred", rcpt: answers(map[string]string{"a": "450 4.2.1 full", "b": "550 5.1.1 who?"}), got: "[c]",
			recipients: "a retrying 450 4.2.1 full, b dead 550 5.1.1 who?, c sent 250 2.0.0 queued as 1",
			answer:     "RCPT TO a@example.net: 450 4.2.1 full",
		},
		{
			name: "all refused", rcpt: answers(map[string]string{"a": "550 5.1.1 who?", "b": "550 5.1.1 who?", "c": "550 5.1.1 who?"}),
			answer: "RCPT TO a@example.net: 550 5.1.1 who?", permanent: true,
		},
		{
			name: "all refused, in other words", rcpt: answers(map[string]string{"a": "550 a?", "b": "551 b?", "c": "553 c?"}),
			recipients: "a dead 550 a?, b dead 551 b?, c dead 553 c?", answer: "RCPT TO a@example.net: 550 a?", permanent: true,
		},
		{
			name: "nobody yet", rcpt: answers(map[string]string{"a": "550 5.1.1 who?", "b": "451 later", "c": "550 5.1.1 who?"}),
			recipients: "a dead 550 5.1.1 who?, b retrying 451 later, c dead 550 5.1.1 who?", answer: "RCPT TO b@example.net: 451 later",
		},
		{
			name: "one a transaction", rcpt: func(_ string, accepted int) string {
				if accepted >= 1 {
					return "452 4.5.3 too many recipients"
				}
				return ""
			},
			got: "[a] [b] [c]", recipients: "a sent 250 2.0.0 queued as 1, b sent 250 2.0.0 queued as 2, c sent 250 2.0.0 queued as 3",
			answer: "250 2.0.0 queued as 1",
		},
		{
			name: "two a transaction, in the words of RFC 821", rcpt: func(_ string, accepted int) string {
				if accepted >= 2 {
					return "552 Too many recipients"
				}
				return ""
			},
			got: "[a b] [c]", recipients: "a sent 250 2.0.0 queued as 1, b sent 250 2.0.0 queued as 1, c sent 250 2.0.0 queued as 2",
			answer: "250 2.0.0 queued as 1",
		},
		{
			name: "a full mailbox is for good", rcpt: answers(map[string]string{"b": "552 5.2.2 mailbox full"}), got: "[a c]",
			recipients: "b dead 552 5.2.2 mailbox full, a sent 250 2.0.0 queued as 1, c sent 250 2.0.0 queued as 1",
			answer:     "250 2.0.0 queued as 1; refused: b@example.net: 552 5.2.2 mailbox full",
		},
		{
			name: "no room for anybody", rcpt: answers(map[string]string{"a": "452 4.3.1 no space", "b": "452 4.3.1 no space", "c": "452 4.3.1 no space"}),
			answer: "RCPT TO a@example.net: 452 4.3.1 no space",
		},
		{
			name: "the server leaves at the second, who got there gets it", rcpt: answers(map[string]string{"b": "421 4.3.2 bye"}), got: "[a]",
			recipients: "b retrying RCPT TO b@example.net: 421 4.3.2 bye, c retrying RCPT TO b@example.net: 421 4.3.2 bye, a sent 250 2.0.0 queued as 1",
			answer:     "RCPT TO b@example.net: 421 4.3.2 bye",
		},
		{
			name: "the server leaves at the first, the others get it", rcpt: answers(map[string]string{"a": "421 4.7.0 not you"}), got: "[b c]",
			recipients: "a retrying RCPT TO a@example.net: 421 4.7.0 not you, b sent 250 2.0.0 queued as 1, c sent 250 2.0.0 queued as 1",
			answer:     "RCPT TO a@example.net: 421 4.7.0 not you",
		},
		{
			name: "the server closes without a word at the first", rcpt: answers(map[string]string{"a": "hang up"}), got: "[b c]",
			recipients: "a retrying RCPT TO a@example.net: EOF, b sent 250 2.0.0 queued as 1, c sent 250 2.0.0 queued as 1",
			answer:     "RCPT TO a@example.net: EOF",
		},
		{
			name: "the server leaves whoever is named", rcpt: func(string, int) string { return "421 4.3.2 bye" },
			recipients: "a retrying RCPT TO a@example.net: 421 4.3.2 bye, b retrying RCPT TO b@example.net: 421 4.3.2 bye, c retrying RCPT TO c@example.net: 421 4.3.2 bye",
			answer:     "RCPT TO a@example.net: 421 4.3.2 bye",
		},
		{
			name: "the others have it", settled: []string{"a@example.net", "c@example.net"}, got: "[b]",
			recipients: "b sent 250 2.0.0 queued as 1", answer: "250 2.0.0 queued as 1",
		},
		{name: "everybody has it", settled: []string{"a@example.net", "b@example.net", "c@example.net"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &relay{rcpt: test.rcpt}
			m := notifiertest.Message("k")
			m.Settled = test.settled
			receipt, err := open(t, startRelay(t, r)).Notify(t.Context(), target(t, "a@example.net", "b@example.net", "c@example.net"), m)
			answer := receipt.Answer.String()
			if err != nil {
				answer = strings.TrimPrefix(err.Error(), "sending by 127.0.0.1: ")
			}
			_, letters, _ := r.seen("")
			var got, recipients []string
			for _, l := range letters {
				got = append(got, strings.ReplaceAll(fmt.Sprint(l.to), "@example.net", ""))
			}
			for _, r := range receipt.Recipients {
				recipients = append(recipients, fmt.Sprintf("%s %s %s", strings.TrimSuffix(r.Address, "@example.net"), r.State, r.Answer))
			}
			want := []string{test.got, test.recipients, test.answer, fmt.Sprint(test.permanent)}
			is := []string{strings.Join(got, " "), strings.Join(recipients, ", "), answer, fmt.Sprint(notifiers.IsPermanent(err))}
			if diff := cmp.Diff(want, is); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An address that needs SMTPUTF8 does not keep a message from the others, and
// addresses that differ by letter case only are one recipient.
func TestOddRecipients(t *testing.T) {
	for _, test := range []struct{ name, keywords, to, settled, got, header, recipients, answer string }{
		{
			name: "a relay without SMTPUTF8", keywords: "8BITMIME", to: "jürgen@example.net b@example.net", got: "[b@example.net]", header: "To: <b@example.net>",
			recipients: "b@example.net sent, jürgen@example.net dead",
			answer:     "250 2.0.0 queued as 1; refused: jürgen@example.net: the server does not offer SMTPUTF8, which an address needs whose part before the @ is not ASCII",
		},
		{
			name: "a relay with SMTPUTF8", keywords: "SMTPUTF8", to: "jürgen@example.net b@example.net", got: "[jürgen@example.net b@example.net]",
			header: "To: <jürgen@example.net>, <b@example.net>", answer: "250 2.0.0 queued as 1",
		},
		{
			name: "nobody else", keywords: "8BITMIME", to: "jürgen@example.net",
			answer: "the server does not offer SMTPUTF8, which an address needs whose part before the @ is not ASCII",
		},
		{
			name: "letter case", to: "a@example.net a@EXAMPLE.net A@example.net b@example.net", got: "[a@example.net b@example.net]",
			header: "To: <a@example.net>, <a@EXAMPLE.net>, <A@example.net>, <b@example.net>", answer: "250 2.0.0 queued as 1",
		},
		{
			name: "the other spelling has it", to: "a@example.net b@example.net", settled: "A@EXAMPLE.net", got: "[b@example.net]",
			header: "To: <a@example.net>, <b@example.net>", recipients: "b@example.net sent", answer: "250 2.0.0 queued as 1",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &relay{keywords: strings.Fields(test.keywords)}
			m := notifiertest.Message("k")
			m.Settled = strings.Fields(test.settled)
			receipt, err := open(t, startRelay(t, r)).Notify(t.Context(), target(t, strings.Fields(test.to)...), m)
			answer := receipt.Answer.String()
			if err != nil {
				answer = strings.TrimPrefix(err.Error(), "sending by 127.0.0.1: ")
			}
			var got, header string
			_, letters, _ := r.seen("")
			for _, l := range letters {
				got += fmt.Sprint(l.to)
				_, header, _ = strings.Cut(strings.ReplaceAll(l.data, ",\r\n", ","), "\nTo: ")
				header, _, _ = strings.Cut("To: "+header, "\r\n")
			}
			var recipients []string
			for _, r := range receipt.Recipients {
				recipients = append(recipients, fmt.Sprintf("%s %s", r.Address, r.State))
			}
			want := []string{test.got, test.header, test.recipients, test.answer}
			if diff := cmp.Diff(want, []string{got, header, strings.Join(recipients, ", "), answer}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
