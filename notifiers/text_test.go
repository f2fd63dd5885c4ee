package notifiers_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

var (
	start = time.Date(2026, 11, 23, 17, 47, 5, 0, time.UTC)
	cet   = time.FixedZone("CET", 3600)
)

// message is a message to the IT team, decided so long after the start.
func message(after time.Duration, items ...notifiers.Item) notifiers.Message {
	return notifiers.Message{
		Key: "k-1", At: start.Add(after), Role: "it_team", RoleLabel: "IT team", Monitor: "vigil1.example.net", Zone: cet, Items: items,
	}
}

func refused() notifiers.Incident {
	return notifiers.Incident{
		ID: "01JD6Z", Check: "mx1/imaps", Label: "mx1/imaps", Server: "mx1", ServerLabel: "Mail 1",
		Groups: []string{"europe", "germany"}, GroupLabels: []string{"europe", "Deutschland"}, Condition: "service", Severity: "down", State: "open",
		Phase: "connect", Cause: "refused", CauseText: "connection refused", Hint: "The host is up, nothing listens on port 993.",
		Host: "mx1.example.org", Port: 993, Security: "tls", Address: "192.0.2.10",
		Node: "vigil1.example.net", StartedAt: start, ReportedAt: start.Add(3 * time.Minute),
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

func acknowledged(by string) func(*notifiers.Incident) {
	return func(in *notifiers.Incident) {
		in.State = "acknowledged"
		in.Acknowledgement = notifiers.Acknowledgement{By: by, Reason: "replacing a disk", Until: start.Add(13 * time.Hour)}
	}
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
		"acknowledged": message(12*hour, item(notifiers.Changed, change(refused(), acknowledged("anna")))),
		// By a link, or in an older journal: nobody has said who.
		"acknowledgement-nameless": message(hour, item(notifiers.Acknowledged, change(refused(), acknowledged("")))),
		"acknowledgement-by-link":  message(hour, item(notifiers.Acknowledged, change(refused(), acknowledged("by link sent to it_team")))),
		"acknowledgement-itself":   message(hour, item(notifiers.Acknowledged, change(notifiertest.Monitor(), acknowledged("anna")))),
		"acknowledgements": message(hour, item(notifiers.Closed, change(refused(), ended(hour, "recovered"))), item(notifiers.Opened, change(refused(), unlabelled)),
			item(notifiers.Acknowledged, change(refused(), certificate, acknowledged("anna")))),
		"again": message(20*time.Minute, item(notifiers.Opened, change(refused(), func(in *notifiers.Incident) {
			in.AgainAt = start.Add(17 * time.Minute)
		}))),
		"escalated": message(18*time.Minute, item(notifiers.Escalated, refused())),
		"recovered": message(2*hour, item(notifiers.Closed, change(refused(), ended(65*time.Minute, "recovered")))),
		"removed":   message(2*hour, item(notifiers.Closed, change(refused(), ended(49*hour, "removed")))),
		"untold": message(2*hour, notifiers.Item{
			Transition: notifiers.Closed, Incident: change(refused(), ended(12*time.Minute, "recovered")), OpeningUntold: true,
		}),
		"batch": message(2*hour, append(many(3), item(notifiers.Changed, change(refused(), certificate)),
			item(notifiers.Closed, change(refused(), bye, ended(65*time.Minute, "recovered"))))...),
		"digest": message(5*time.Minute, many(57)...),
		"itself": message(5*time.Minute, item(notifiers.Opened, notifiertest.Monitor()), item(notifiers.Opened, change(refused(), unlabelled))),
		"test":   message(0),
	} {
		t.Run(name, func(t *testing.T) { golden.Compare(t, filepath.Join("testdata", name+".txt"), show(m)) })
	}
}

// Every kind of message that the channels are tried with, in words.
func TestKinds(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		golden.Compare(t, filepath.Join("testdata", "kinds", strings.TrimPrefix(m.Key, "key-")+".txt"), show(m))
	}
}

func show(m notifiers.Message) string {
	return fmt.Sprintf("-- subject --\n%s\n-- short, segments: %d --\n%s\n-- text --\n%s", m.Subject(), segments(m.Short()), m.Short(), m.Text())
}

// What is over says so with the word for how it ended, in the past, and asks for nothing.
func TestEnds(t *testing.T) {
	for as, word := range map[string]string{"recovered": "RECOVERED", "removed": "REMOVED", "paused": "PAUSED", "changed": "CHANGED"} {
		m := message(time.Hour, item(notifiers.Closed, change(refused(), ended(time.Minute, as))))
		text := m.Text()
		for _, want := range []string{word + " mx1/imaps", "\nWas: ", "was down for 1m"} {
			if !strings.Contains(text, want) {
				t.Errorf("closed as %s, without %q:\n%s", as, want, text)
			}
		}
		for _, wrong := range []string{"Hint:", "Why:", "imapvigil ack", "CLOSED", "nothing listens"} {
			if strings.Contains(text, wrong) {
				t.Errorf("closed as %s, with %q:\n%s", as, wrong, text)
			}
		}
		if short := m.Short(); !strings.HasPrefix(short, word+" mx1/imaps: ") || segments(short) != 1 {
			t.Errorf("closed as %s: %q", as, short)
		}
	}
}

// A message of several has what is down first, whatever came first, and each name once.
func TestTheWorstFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m notifiers.Message
		names := map[string]bool{}
		for i := range rapid.IntRange(2, 12).Draw(t, "items") {
			in := refused()
			in.ID, in.StartedAt = fmt.Sprint("id", i), start.Add(time.Duration(i)*time.Minute)
			in.Check = fmt.Sprintf("m%d/x", rapid.IntRange(1, 6).Draw(t, "check"))
			in.Condition = rapid.SampledFrom([]string{"service", "certificate"}).Draw(t, "condition")
			in.Severity = rapid.SampledFrom([]string{"down", "degraded"}).Draw(t, "severity")
			transition := rapid.SampledFrom([]notifiers.Transition{notifiers.Opened, notifiers.Closed, notifiers.Reminder}).Draw(t, "transition")
			if transition == notifiers.Closed {
				in.ClosedAs, in.EndedAt = "recovered", in.StartedAt.Add(time.Second)
			}
			names[in.Check] = true
			m.Items = append(m.Items, item(transition, in))
		}
		rank := func(i notifiers.Item) int {
			switch {
			case i.Ends():
				return 2
			case i.Incident.Severity == "degraded":
				return 1
			}
			return 0
		}
		told := 0
		items := m.Arranged()
		topics := map[string]bool{}
		for i, one := range items {
			if i > 0 && rank(one) < rank(items[i-1]) {
				t.Fatalf("%s after %s", one.Headline(m.At), items[i-1].Headline(m.At))
			}
			topic := one.Incident.Check + " " + one.Incident.Condition
			if topics[topic] {
				t.Fatalf("%s twice", topic)
			}
			topics[topic] = true
			told += 1 + len(one.Earlier)
		}
		if told != len(m.Items) {
			t.Fatalf("%d of %d items are left", told, len(m.Items))
		}
		for name := range names {
			if n := strings.Count(m.Subject(), name); n > 1 || n == 0 && !strings.HasSuffix(m.Subject(), " more") {
				t.Fatalf("%s is %d times in %q", name, n, m.Subject())
			}
		}
	})
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
		if s := m.Short(); segments(s) > 2 || !printable(s) {
			t.Fatalf("short message of %d segments: %q", segments(s), s)
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
		notifiers.Opened, notifiers.Changed, notifiers.Closed, notifiers.Reminder, notifiers.Escalated, notifiers.Acknowledged,
	}).Draw(t, "transition")
	in := notifiers.Incident{
		ID: text.Draw(t, "id"), Condition: rapid.SampledFrom([]string{"service", "monitor"}).Draw(t, "condition"),
		Check: text.Draw(t, "check"), Label: text.Draw(t, "label"), ServerLabel: text.Draw(t, "server"),
		GroupLabels: []string{text.Draw(t, "group")}, Description: text.Draw(t, "description"), Runbook: text.Draw(t, "runbook"),
		Severity: "down", Phase: "greeting", Cause: "bye", CauseText: "the server said BYE", Hint: text.Draw(t, "hint"), Host: text.Draw(t, "host"),
		Evidence: opaque.Sanitise(text.Draw(t, "evidence")), URL: text.Draw(t, "url"), StartedAt: start,
		Acknowledgement: notifiers.Acknowledgement{By: text.Draw(t, "by")},
	}
	return notifiers.Item{Transition: transition, Incident: in, OpeningUntold: rapid.Bool().Draw(t, "untold")}
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// segments returns as how many SMS a text is sent: one of 160 septets, or several of 153,
// none of which tears a character of two septets apart.
func segments(text string) int {
	if septets(text) <= 160 {
		return 1
	}
	n, used := 1, 0
	for _, r := range text {
		if used += septets(string(r)); used > 153 {
			n, used = n+1, septets(string(r))
		}
	}
	return n
}

// The essence is what a locked phone shows: it stands first, and what to type last.
func TestShortBeginsWithTheEssence(t *testing.T) {
	long := refused()
	long.Check = strings.Repeat("very-long-name-", 8) + "/imaps"
	for _, test := range []struct {
		in       notifiers.Incident
		segments int
	}{{refused(), 1}, {long, 2}} {
		short := message(time.Hour, item(notifiers.Opened, test.in)).Short()
		if !strings.HasPrefix(short, "DOWN "+test.in.Check+": connect refused") || !strings.HasSuffix(short, `. imapvigil ack 01JD6Z --reason "..."`) {
			t.Errorf("%q", short)
		}
		if n := segments(short); n != test.segments {
			t.Errorf("%d segments, want %d: %q", n, test.segments, short)
		}
	}
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

// How long it lasted is the difference of the times that stand beside it.
func TestDurationsFitTheTimes(t *testing.T) {
	in := change(refused(), ended(25*time.Second+100*time.Millisecond, "recovered"))
	in.StartedAt = in.StartedAt.Add(900 * time.Millisecond) // 17:47:05.9 to 17:47:30.1
	m := message(time.Minute, item(notifiers.Closed, in))
	if text := m.Text(); !strings.Contains(text, "was down for 25s") || !strings.Contains(text, "(17:47:30 UTC), after 25s\n") {
		t.Error(text)
	}
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
		time.Minute:                            "1m",
		time.Minute + 55*time.Second:           "1m 55s",
		12*time.Minute + 9*time.Second:         "12m 09s",
		3 * time.Hour:                          "3h",
		time.Hour + 5*time.Minute:              "1h 05m",
		23*time.Hour + 59*time.Minute:          "23h 59m",
		51 * time.Hour:                         "2d 3h",
		400*24*time.Hour + 30*time.Minute:      "400d",
		time.Duration(1<<63 - 1).Truncate(1e9): "106751d 23h",
	} {
		if got := notifiers.Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

// People read their own clocks, and UTC beside them where it differs.
func TestTimesSayTheirZone(t *testing.T) {
	for name, test := range map[string]struct {
		zone *time.Location
		want string
	}{
		"none":  {nil, "2026-11-23 17:47:05 UTC, for 0s"},
		"UTC":   {time.UTC, "2026-11-23 17:47:05 UTC, for 0s"},
		"CET":   {cet, "2026-11-23 18:47:05 CET (17:47:05 UTC), for 0s"},
		"+1130": {time.FixedZone("+1130", 11*3600+1800), "2026-11-24 05:17:05 +1130 (2026-11-23 17:47:05 UTC), for 0s"},
	} {
		m := message(0, item(notifiers.Opened, refused()))
		m.Zone = test.zone
		if since := m.Facts(m.Items[0])[0]; since.Text != test.want {
			t.Errorf("%s: %q, want %q", name, since.Text, test.want)
		}
	}
}

// A cause that begins with its phase says it once.
func TestCauseSaysThePhaseOnce(t *testing.T) {
	in := change(refused(), func(in *notifiers.Incident) {
		in.Condition, in.Severity, in.Phase, in.Cause = "capability", "degraded", "capability", "capability_missing"
	})
	item := notifiers.Item{Transition: notifiers.Opened, Incident: in}
	if got, want := item.Headline(in.StartedAt), "DEGRADED mx1/imaps (Mail 1): capability missing"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
