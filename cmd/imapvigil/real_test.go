package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// A house is a real Dovecot, a daemon that watches it as testdata/real says,
// and those who are told.
type house struct {
	*vigil
	server *dovecot.Server
	told   *listeners
}

// realChecks are the checks of testdata/real, sorted, and realWays the ways on
// which their roles are told.
var realChecks = []config.CheckID{"mx1/imaps", "mx1/plain", "mx1/starttls", "partner"}

const realWays = 5

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{server: dovecot.Start(t, dovecot.Options{})}
	h.told = newListeners(t, h.server.CA())
	env := h.told.env()
	env["CA_FILE"] = h.server.CAFile()
	env["IMAP_PORT"], env["IMAPS_PORT"] = strconv.Itoa(h.server.IMAPPort()), strconv.Itoa(h.server.IMAPSPort())
	h.vigil = newVigil(t, env)
	for _, name := range []string{
		"receivers.hcl", "checks.hcl",
		"credentials/smtp", "credentials/slack", "credentials/twilio", "credentials/webhook",
	} {
		h.write(name, realFile(t, name))
	}
	return h
}

func realFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "real", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// restart is what happens when nobody is looking.
func (h *house) restart() {
	h.t.Helper()
	h.kill()
	h.start()
}

// Messages to people come at most once a minute, and that is what these waits
// are for.
const minutely = 2*time.Minute + patience

// awaitTold waits until everybody was told of a transition of every check.
func (h *house) awaitTold(transition string) {
	h.t.Helper()
	h.await("everybody to be told: "+transition, minutely, func() bool {
		sent := 0
		incidents, err := h.client.Incidents(context.Background())
		if err != nil {
			h.t.Fatal(err)
		}
		for _, in := range incidents.Incidents {
			for _, d := range in.Deliveries {
				if d.Transition == transition && d.State == "sent" {
					sent++
				}
			}
		}
		return sent >= realWays*len(realChecks)
	})
}

// An outage of everything is told once to each role on each way, and so is its
// end; whatever moment the daemon is killed in, nothing is lost and nothing is
// doubled.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// failing and recovering happen once the server has stopped and has
		// started again.
		failing, recovering func(*house)
		// least and most are how many messages arrive a second time, with the same key.
		least, most int
		// gathered: people get one message about everything, and not a second a
		// minute later.
		gathered bool
	}{
		{
			name:       "undisturbed",
			failing:    func(*house) {},
			recovering: func(*house) {},
			gathered:   true,
		},
		{
			name:       "killed before anything is told",
			failing:    func(h *house) { h.awaitRecord("incident.failing"); h.restart() },
			recovering: func(h *house) { h.awaitRecord("incident.recovering"); h.restart() },
		},
		{
			name:       "killed once it is decided",
			failing:    func(h *house) { h.awaitRecord("incident.opened"); h.restart() },
			recovering: func(h *house) { h.awaitRecord("incident.closed"); h.restart() },
			most:       8, // events of the webhook, which go out at once
		},
		{
			name:       "killed while the mail server is away",
			failing:    killedWithQueue,
			recovering: func(*house) {},
			most:       4, // what the other ways were being told
		},
		{
			name:       "killed once a message has arrived that the daemon does not know of",
			failing:    killedUnaware,
			recovering: killedUnaware,
			least:      2, // the mail about the beginning, and that about the end
			most:       8,
		},
		{
			name:       "killed again and again",
			failing:    killedOften("incident.failing"),
			recovering: killedOften("incident.recovering"),
			most:       8,
		},
		{
			name:       "stopped while a message is under way",
			failing:    stoppedMeanwhile,
			recovering: func(h *house) { h.stop(); h.start() },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.start()
			h.awaitAll("ok")
			h.server.Stop()
			test.failing(h)
			h.awaitTold("opened")
			h.awaitAll("down")
			h.server.Start()
			test.recovering(h)
			h.awaitTold("closed")
			h.awaitAll("ok")
			h.stop()
			ledger := h.ledger()
			ledger.verify(h.vigil, realChecks, realWays)
			if n := h.verifyTold(ledger); n < test.least || n > test.most {
				t.Errorf("%d messages came twice, want %d to %d", n, test.least, test.most)
			}
			if test.gathered {
				h.verifyWords()
			}
		})
	}
}

// killedWithQueue has the mail server refuse everybody until the daemon has
// tried, was killed and runs again.
func killedWithQueue(h *house) {
	h.meanwhile(smtpsink.Behaviour{At: smtpsink.Greeting, Do: smtpsink.Answer, Code: 421, Text: "4.3.2 later"}, h.kill)
}

// killedUnaware kills the daemon when the mail server has taken a message, and
// before it has said so.
func killedUnaware(h *house) {
	h.meanwhile(smtpsink.Behaviour{At: smtpsink.Reply, Do: smtpsink.Stall}, h.kill)
}

// killedOften kills the daemon whenever it has just become ready.
func killedOften(kind string) func(*house) {
	return func(h *house) {
		h.awaitRecord(kind)
		for range 5 {
			h.restart()
		}
	}
}

// stoppedMeanwhile stops the daemon while the mail server takes its time.
func stoppedMeanwhile(h *house) {
	h.meanwhile(smtpsink.Behaviour{At: smtpsink.Data, Do: smtpsink.Stall}, h.stop)
}

// meanwhile ends the daemon in the middle of a mail, and starts it again.
func (h *house) meanwhile(b smtpsink.Behaviour, end func()) {
	h.t.Helper()
	reached := h.told.mail.Reached()
	for len(reached) > 0 {
		<-reached // what happened earlier
	}
	h.told.mail.Behave(b)
	select {
	case <-reached:
	case <-time.After(minutely):
		h.t.Fatal("no mail is sent")
	}
	end()
	h.told.mail.Behave()
	h.start()
}

// verifyTold compares what arrived with what the journal knows: every message,
// and no other. It gives the number of those that came again, with the same key.
func (h *house) verifyTold(l ledger) (repeated int) {
	h.t.Helper()
	arrived := map[string]map[string]bool{}
	arrive := func(to, key string) {
		if arrived[to] == nil {
			arrived[to] = map[string]bool{}
		}
		if arrived[to][key] {
			repeated++
		}
		arrived[to][key] = true
	}
	for _, m := range h.told.toPeople() {
		arrive(m.to, m.key)
	}
	for _, e := range h.told.events() {
		arrive("", e.Key)
		if e.Incident.Phase == "" || e.Incident.Cause == "" || e.Incident.Hint == "" {
			h.t.Errorf("the event does not say why: %+v", e)
		}
	}
	decided := map[string]int{}
	for _, telling := range l.tellings {
		to := telling.Way.Target
		decided[to]++
		if keyed := telling.Kind == notifiers.Email || telling.Kind == notifiers.Webhook; keyed && !arrived[to][string(telling.Key)] {
			h.t.Errorf("message %s to %q has not arrived", telling.Key, to)
		}
	}
	for to, keys := range arrived {
		if len(keys) != decided[to] {
			h.t.Errorf("%d messages to %q arrived, the journal knows of %d", len(keys), to, decided[to])
		}
	}
	return repeated
}

// verifyWords: people got one message about the beginning, and one about the
// end, each about everything.
func (h *house) verifyWords() {
	h.t.Helper()
	ways := map[string][]string{}
	for _, m := range h.told.toPeople() {
		ways[m.to] = append(ways[m.to], m.text)
	}
	for _, to := range []string{"it@example.net", "cto@example.net", "#mail-ops", "+15550100"} {
		if texts := ways[to]; len(texts) != 2 {
			h.t.Errorf("%s got %d messages, want 2:\n%s", to, len(texts), strings.Join(texts, "\n"))
		} else {
			names(h.t, texts[0], "4 down: ")
			names(h.t, texts[1], "4 closed: ")
		}
	}
	for _, to := range []string{"it@example.net", "cto@example.net"} {
		explains(h.t, ways[to])
	}
}

// names: the message says in its first line what happened, and to which checks.
func names(t testing.TB, text, what string) {
	t.Helper()
	first, _, _ := strings.Cut(text, "\n")
	_, list, found := strings.Cut(first, what)
	got := strings.Split(list, ", ")
	slices.Sort(got)
	want := []string{"mx1/imaps", "mx1/plain", "mx1/starttls", "partner"}
	if !found || !slices.Equal(got, want) {
		t.Errorf("want %q and all checks, got %q", what, first)
	}
}

const utc = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`

// What, since when, how long, where, why, and what to do about it.
var mailSays = [][]string{
	{
		`(?m)^DOWN Mail 1 / IMAP over TLS: connect refused$`,
		`(?m)^Since: +` + utc + `, for (\d+s|\dm)$`,
		`(?m)^Where: +Europe > Germany > Mail 1 > IMAP over TLS \(mx1/imaps\)$`,
		`(?m)^Where: +Europe > Partner mailbox \(partner\)$`,
		`(?m)^Endpoint: +127\.0\.0\.1:\d+ \(starttls\)$`,
		`(?m)^Why: +connect: connection refused \(refused\)$`,
		`(?m)^Hint: +The host is up and nothing listens on port \d+`,
		`(?m)^imapvigil on \S+ told (IT team|CTO) at ` + utc + `\.$`,
	},
	{
		`(?m)^CLOSED Mail 1 / IMAP over TLS: recovered after (\d+s|\dm)$`,
		`(?m)^Since: +` + utc + `, until ` + utc + `, for (\d+s|\dm)$`,
		`(?m)^Where: +Europe > Germany > Mail 1 > IMAP over TLS \(mx1/imaps\)$`,
		`(?m)^Why: +connect: connection refused \(refused\)$`,
	},
}

// explains looks at two mails: about the beginning, and about the end.
func explains(t testing.TB, mails []string) {
	t.Helper()
	for i, text := range mails[:min(len(mails), len(mailSays))] {
		for _, pattern := range mailSays[i] {
			if !regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("the mail says nothing like %s:\n%s", pattern, text)
			}
		}
	}
}

// A certificate that has expired is an outage like any other, with its own
// cause, and with a hint that says since when.
func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start()
	h.awaitAll("ok")
	h.server.UseCertificate(ca.Expired(ca.Leaf{}))
	encrypted := []config.CheckID{"mx1/imaps", "mx1/starttls", "partner"}
	for _, id := range encrypted {
		h.await(string(id)+" to be down", patience, func() bool { return h.check(id).State == "down" })
		if c := h.check(id); c.Phase != "tls" || c.Cause != "cert_expired" || !strings.Contains(c.Hint, "expired") {
			t.Errorf("%s: %s %s, hint %q", id, c.Phase, c.Cause, c.Hint)
		}
	}
	if c := h.check("mx1/plain"); c.State != "ok" {
		t.Errorf("%s is %s: it needs no certificate", c.ID, c.State)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mails, err := h.told.mail.Wait(ctx, 1)
	if err != nil {
		t.Fatal("no mail about it: ", err)
	}
	for _, pattern := range []string{
		`(?m)^Subject: .* 3 down: `,
		`(?m)^Why: +tls: the certificate has expired \(cert_expired\)$`,
		`(?m)^Hint: +The certificate expired on \d{4}-\d\d-\d\d`,
	} {
		if text := letter(mails[0].Data); !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("the mail says nothing like %s:\n%s", pattern, text)
		}
	}
	h.server.UseCertificate(ca.Leaf{})
	h.awaitAll("ok")
	h.stop()
}

// Editing the files starts and stops just the checks that have changed. The
// others do not notice: neither their state nor their schedule moves.
func TestEditing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// An hour between two probes: whoever starts it anew shifts that.
	text := strings.Replace(realFile(t, "checks.hcl"), "  hostname = \"localhost\"", "  interval = \"1h\"\n  hostname = \"localhost\"", 1)
	h.write("checks.hcl", text)
	h.start()
	h.awaitAll("ok")
	partner := h.check("partner")

	edits := []struct {
		what     string
		old, new string
		want     applied
	}{
		{"a label", `label    = "IMAP over TLS"`, `label    = "IMAP"`, applied{Unchanged: 4}},
		{"a role", `[notification_role.it_team, notification_role.cto]`, `[notification_role.it_team]`, applied{Unchanged: 4}},
		{"a tolerance", `fault_tolerance    = "3s"`, `fault_tolerance    = "4s"`, applied{Unchanged: 4}},
		{"a port", `port     = env("IMAP_PORT")
        security = "none"`, `port     = env("IMAPS_PORT")
        security = "tls"`, applied{Changed: 1, Unchanged: 3}},
		{"a new check", `imap_check "starttls" {`, `imap_check "new" {
        port     = env("IMAP_PORT")
        security = "starttls"
      }
      imap_check "starttls" {`, applied{Started: 1, Unchanged: 4}},
		{"a name, which is another check", `imap_check "starttls"`, `imap_check "submission"`, applied{Started: 1, Stopped: 1, Unchanged: 4}},
		{"a pause", `label    = "IMAP"`, "label    = \"IMAP\"\n        enabled  = false", applied{Stopped: 1, Unchanged: 4}},
	}
	for i, edit := range edits {
		changed := strings.Replace(text, edit.old, edit.new, 1)
		if changed == text {
			t.Fatalf("there is no %s to edit", edit.what)
		}
		text = changed
		h.write("checks.hcl", text)
		h.await("the edit of "+edit.what, patience, func() bool { return len(h.appliedSoFar()) >= i+2 })
		if got := h.appliedSoFar()[i+1]; got != edit.want {
			t.Errorf("%s: %+v, want %+v", edit.what, got, edit.want)
		}
	}
	h.await("the new checks to be probed", patience, func() bool {
		return h.check("mx1/new").State == "ok" && h.check("mx1/submission").State == "ok" && h.check("mx1/plain").State == "ok"
	})
	if c := h.check("mx1/imaps"); c.State != "paused" || c.Label != "IMAP" {
		t.Errorf("the paused check is %s and called %q", c.State, c.Label)
	}
	if c := h.check("partner"); !c.LastProbeAt.Equal(*partner.LastProbeAt) || !c.NextProbeAt.Equal(*partner.NextProbeAt) || !c.Since.Equal(*partner.Since) {
		t.Errorf("the edits of others have moved partner:\n%+v\n%+v", partner, c)
	}
	h.stop()
	if events := h.ledger().events; len(events) > 0 {
		t.Errorf("the edits made incidents: %+v", events)
	}
}

// applied is what the log says of a new configuration.
type applied struct{ Started, Stopped, Changed, Unchanged int }

// appliedSoFar lists them, that of the start first.
func (h *house) appliedSoFar() (all []applied) {
	h.t.Helper()
	for _, line := range h.logged("configuration applied") {
		n := func(name string) int { return int(line[name].(float64)) }
		all = append(all, applied{n("started"), n("stopped"), n("changed"), n("unchanged")})
	}
	return all
}
