//go:build !quick

package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// verifyMessages compares what arrived with what the journal knows: every message,
// and no other. It gives the number of those that came again, with the same key.
func (h *dovecotSetup) verifyMessages(l journalContents) (repeated int) {
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
	for _, notification := range l.notifications {
		to := notification.NotifyID.Target
		decided[to]++
		if keyed := notification.Kind == email.Kind || notification.Kind == webhook.Kind; keyed && !arrived[to][string(notification.Key)] {
			h.t.Errorf("message %s to %q has not arrived", notification.Key, to)
		}
	}
	for to, keys := range arrived {
		if len(keys) != decided[to] {
			h.t.Errorf("%d messages to %q arrived, the journal knows of %d", len(keys), to, decided[to])
		}
	}
	return repeated
}

// verifyTexts: people got one message about the beginning, and one about the
// end, each about everything, and not a second one a minute later. A machine that
// is so busy that the checks are reported at different times tells nothing of that.
func (h *dovecotSetup) verifyTexts(l journalContents) {
	h.t.Helper()
	for _, kind := range []incident.Kind{incident.Opened, incident.Closed} {
		if spread := l.spread(kind); spread > gathering/2 {
			h.t.Logf("%s within %s: too slow to be gathered", kind, spread)
			return
		}
	}
	textsTo := map[string][]string{}
	for _, m := range h.told.toPeople() {
		textsTo[m.to] = append(textsTo[m.to], m.text)
	}
	for _, to := range []string{"it@example.net", "cto@example.net", "#mail-ops", "+15550100"} {
		if texts := textsTo[to]; len(texts) != 2 {
			h.t.Errorf("%s got %d messages, want 2:\n%s", to, len(texts), strings.Join(texts, "\n"))
		} else {
			names(h.t, texts[0], "4 down: ")
			names(h.t, texts[1], "4 recovered: ")
		}
	}
	for _, to := range []string{"it@example.net", "cto@example.net"} {
		verifyExplanation(h.t, textsTo[to])
	}
}

// gathering is how long the first message to people waits for more.
const gathering = 10 * time.Second

// spread is how far apart the first and the last event of a kind are.
func (l journalContents) spread(kind incident.Kind) time.Duration {
	var first, last time.Time
	for _, e := range l.events {
		if e.Kind != kind {
			continue
		}
		if first.IsZero() {
			first = e.At
		}
		last = e.At
	}
	return last.Sub(first)
}

// names: the message says in its first line what happened, and to which checks.
func names(t testing.TB, text, what string) {
	t.Helper()
	first, _, _ := strings.Cut(text, "\n")
	_, list, found := strings.Cut(first, what)
	list, _, _ = strings.Cut(list, "; ") // an SMS says why, too
	got := strings.Split(list, ", ")
	slices.Sort(got)
	want := []string{"mx1/imaps", "mx1/plain", "mx1/starttls", "partner"}
	if !found || !slices.Equal(got, want) {
		t.Errorf("want %q and all checks, got %q", what, first)
	}
}

// shownTime is a time as people read it, on the clocks of this machine.
const shownTime = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+( \(.*\d\d:\d\d:\d\d UTC\))?`

// What, since when, how long, where, why, and what to do about it; of the end what it was.
var mailSays = [][]string{
	{
		`(?m)^DOWN mx1/imaps \(Mail 1 / IMAP over TLS\): connect refused$`,
		`(?m)^DOWN partner \(Partner mailbox\): connect refused$`,
		`(?m)^Since: +` + shownTime + `, for (\d+s|\dm( \d\ds)?)$`,
		`(?m)^Group: +europe/germany \(Germany\)$`,
		`(?m)^Endpoint: +127\.0\.0\.1:\d+ \(starttls\)$`,
		`(?m)^Why: +connect: connection refused \(refused\)$`,
		`(?m)^Hint: +The host is up and nothing listens on port \d+`,
		`(?m)^Acknowledge: +imapvigil ack [a-z0-9]+ --reason "..."$`,
		`(?m)^Sent to (IT team|CTO) by imapvigil on \S+ at ` + shownTime + `\.$`,
	},
	{
		`(?m)^RECOVERED mx1/imaps \(Mail 1 / IMAP over TLS\): was down for (\d+s|\dm( \d\ds)?) \(connect refused\), until \d{4}-\d\d-\d\d \d\d:\d\d \S+ \[[a-z0-9]+\]$`,
	},
}

// verifyExplanation looks at two mails: about the beginning, and about the end.
func verifyExplanation(t testing.TB, mails []string) {
	t.Helper()
	for i, text := range mails[:min(len(mails), len(mailSays))] {
		for _, pattern := range mailSays[i] {
			if !regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("the mail says nothing like %s:\n%s", pattern, text)
			}
		}
	}
}
