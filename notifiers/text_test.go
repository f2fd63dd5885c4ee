package notifiers_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

var start = time.Date(2026, 11, 23, 17, 47, 5, 0, time.UTC)

// message is a message to the IT team, decided so long after the start.
func message(after time.Duration, items ...notifiers.Item) notifiers.Message {
	return notifiers.Message{
		Key: "k-1", At: start.Add(after), Role: "it_team", RoleLabel: "IT team", Monitor: "vigil1.example.net", Items: items,
	}
}

func refused() notifiers.Incident {
	return notifiers.Incident{
		ID: "01JD6Z", Check: "mx1/imaps", Label: "mx1/imaps", Server: "mx1", ServerLabel: "Mail 1",
		GroupLabels: []string{"Europe", "Germany"}, Condition: "service", Severity: "down", State: "open",
		Phase: "connect", Cause: "refused", CauseText: "connection refused", Hint: "The host is up, nothing listens on port 993.",
		Host: "mx1.example.org", Port: 993, Security: "tls", Address: "192.0.2.10",
		Node: "vigil1.example.net", StartedAt: start, ReportedAt: start.Add(3 * time.Minute), URL: "https://status.example.org/incidents/01JD6Z",
	}
}

func change(in notifiers.Incident, edits ...func(*notifiers.Incident)) notifiers.Incident {
	for _, edit := range edits {
		edit(&in)
	}
	return in
}

func ended(after time.Duration, as string) func(*notifiers.Incident) {
	return func(in *notifiers.Incident) { in.State, in.ClosedAs, in.EndedAt = "closed", as, start.Add(after) }
}

func bye(in *notifiers.Incident) {
	in.Check, in.Label, in.Port, in.Security = "mx1/office", "IMAP on the web port", 443, "starttls"
	in.Phase, in.Cause, in.CauseText, in.Hint = "greeting", "bye", "the server said BYE", "The server sends clients away."
	in.Evidence = opaque.Sanitise("* BYE <!channel> \x1b[31mcome back\r\nSubject: later\u202e")
	in.Description, in.Runbook = "Used by the office in Bonn.\nAsk Eve first.", "https://wiki.example.org/mx1?a=1&b=2"
	in.Node = "vigil2"
}

func certificate(in *notifiers.Incident) {
	in.Condition, in.Severity = "certificate", "degraded"
	in.Phase, in.Cause, in.CauseText, in.Hint = "tls", "cert_expires_soon", "the certificate expires soon", "It ends on 2026-11-30; renew it."
}

// itself is a trouble of the monitor.
func itself() notifiers.Incident {
	return notifiers.Incident{
		ID: "01JD71", Check: "imapvigil:messages", Label: "imapvigil itself", Condition: "monitor", Severity: "degraded",
		State: "open", Cause: "undelivered", CauseText: "messages do not arrive", Hint: "Messages to it_team by sms.twilio do not arrive.",
		Node: "vigil1.example.net", StartedAt: start.Add(4 * time.Minute),
	}
}

// unlabelled has the labels that the files have for who writes none.
func unlabelled(in *notifiers.Incident) {
	in.ServerLabel, in.Label = in.Server, in.Check
}

func many(n int) (items []notifiers.Item) {
	for i := range n {
		in := refused()
		in.ID, in.Check, in.Label = fmt.Sprintf("01JD%02d", i), fmt.Sprintf("mx%d/imaps", i), ""
		items = append(items, notifiers.Item{Transition: notifiers.Opened, Incident: in})
	}
	return items
}

func item(t notifiers.Transition, in notifiers.Incident) notifiers.Item {
	return notifiers.Item{Transition: t, Incident: in}
}

// What people read, whole. Look at testdata to judge it.
func TestMessages(t *testing.T) {
	hour := time.Hour
	for name, m := range map[string]notifiers.Message{
		"opened":       message(5*time.Minute, item(notifiers.Opened, refused())),
		"opened-words": message(5*time.Minute, item(notifiers.Opened, change(refused(), bye))),
		"opened-partner": message(0, item(notifiers.Opened, notifiers.Incident{
			ID: "01JD70", Check: "partner", Label: "Partner mailbox", Condition: "service", Severity: "down", State: "open",
			Phase: "dns", Cause: "no_such_name", CauseText: "the name does not exist", Host: "2001:db8::25", Port: 993, StartedAt: start,
		})),
		"changed":      message(hour, item(notifiers.Changed, change(refused(), certificate))),
		"reminder":     message(12*hour, item(notifiers.Reminder, refused())),
		"acknowledged": message(12*hour, item(notifiers.Changed, change(refused(), func(in *notifiers.Incident) { in.State = "acknowledged" }))),
		"escalated":    message(18*time.Minute, item(notifiers.Escalated, refused())),
		"recovered":    message(2*hour, item(notifiers.Closed, change(refused(), ended(65*time.Minute, "recovered")))),
		"removed":      message(2*hour, item(notifiers.Closed, change(refused(), ended(49*hour, "removed")))),
		"untold": message(2*hour, notifiers.Item{
			Transition: notifiers.Closed, Incident: change(refused(), ended(12*time.Minute, "recovered")), OpeningUntold: true,
		}),
		"batch": message(2*hour, append(many(3), item(notifiers.Changed, change(refused(), certificate)),
			item(notifiers.Closed, change(refused(), bye, ended(65*time.Minute, "recovered"))))...),
		"digest": message(5*time.Minute, many(57)...),
		"itself": message(5*time.Minute, item(notifiers.Opened, itself()), item(notifiers.Opened, change(refused(), unlabelled))),
		"test":   message(0),
	} {
		t.Run(name, func(t *testing.T) {
			got := fmt.Sprintf("-- subject --\n%s\n-- short --\n%s\n-- text --\n%s", m.Subject(), m.Short(), m.Text())
			golden.Compare(t, filepath.Join("testdata", name+".txt"), got)
		})
	}
}

// Whatever labels, hints and servers say, a subject stays one line of 120
// characters, a short message one SMS, and a text one of printable lines.
func TestMessagesKeepTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z\x00-\x1f\x{202a}-\x{202e} äß^{|€]{0,300}`))
		m := message(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(9999*time.Hour)).Draw(t, "after"))
		}).Draw(t, "after"))
		m.RoleLabel, m.Monitor = text.Draw(t, "role"), text.Draw(t, "monitor")
		for range rapid.IntRange(0, 40).Draw(t, "items") {
			m.Items = append(m.Items, drawItem(t, text))
		}
		if s := m.Subject(); utf8.RuneCountInString(s) > 120 || !printable(s) {
			t.Fatalf("subject %q", s)
		}
		if s := m.Short(); septets(s) > 160 || !printable(s) {
			t.Fatalf("short message of %d septets: %q", septets(s), s)
		}
		for line := range strings.Lines(m.Text()) {
			if !printable(strings.TrimSuffix(line, "\n")) {
				t.Fatalf("line %q", line)
			}
		}
	})
}

func drawItem(t *rapid.T, text *rapid.Generator[string]) notifiers.Item {
	transition := rapid.SampledFrom([]notifiers.Transition{
		notifiers.Opened, notifiers.Changed, notifiers.Closed, notifiers.Reminder, notifiers.Escalated,
	}).Draw(t, "transition")
	in := notifiers.Incident{
		Check: text.Draw(t, "check"), Label: text.Draw(t, "label"), ServerLabel: text.Draw(t, "server"),
		GroupLabels: []string{text.Draw(t, "group")}, Description: text.Draw(t, "description"), Runbook: text.Draw(t, "runbook"),
		Severity: "down", Phase: "greeting", Cause: "bye", CauseText: "the server said BYE", Hint: text.Draw(t, "hint"), Host: text.Draw(t, "host"),
		Evidence: opaque.Sanitise(text.Draw(t, "evidence")), URL: text.Draw(t, "url"), StartedAt: start,
	}
	return notifiers.Item{Transition: transition, Incident: in, OpeningUntold: rapid.Bool().Draw(t, "untold")}
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// septets counts as GSM 03.38 does; what is not in its alphabet counts as too
// much.
func septets(text string) (n int) {
	const basic = "@£$¥èéùìòÇØøÅå_ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	for _, r := range text {
		switch {
		case strings.ContainsRune(basic, r):
			n++
		case strings.ContainsRune(`^{}\[~]|€`, r):
			n += 2
		default:
			n += 1000
		}
	}
	return n
}

// A link is whole or absent.
func TestShortNeverBreaksALink(t *testing.T) {
	for n := range 200 {
		in := refused()
		in.URL = "https://status.example.org/" + strings.Repeat("x", n)
		got := message(0, item(notifiers.Opened, in)).Short()
		if strings.Contains(got, "https:") != strings.HasSuffix(got, " "+in.URL) {
			t.Fatalf("%q breaks %q", got, in.URL)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour:                             "0s",
		0:                                      "0s",
		59*time.Second + 999*time.Millisecond:  "59s",
		12*time.Minute + 59*time.Second:        "12m",
		time.Hour + 5*time.Minute:              "1h 05m",
		23*time.Hour + 59*time.Minute:          "23h 59m",
		51 * time.Hour:                         "2d 3h",
		400*24*time.Hour + 30*time.Minute:      "400d 0h",
		time.Duration(1<<63 - 1).Truncate(1e9): "106751d 23h",
	} {
		if got := notifiers.Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestTimeSaysItsZone(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	if got := notifiers.Time(start.In(berlin)); got != "2026-11-23 17:47:05 UTC" {
		t.Error(got)
	}
}
