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
			name: "the server leaves", rcpt: answers(map[string]string{"b": "421 4.3.2 bye"}),
			answer: "RCPT TO b@example.net: 421 4.3.2 bye",
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
