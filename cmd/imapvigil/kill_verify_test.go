//go:build soak

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// atOnce is how many attempts at a webhook may be under way (daemon/outbox), and so
// how many messages at most a crash can leave of which nobody knows whether they
// have arrived.
const atOnce = 16

// unopened names who does not know yet that the servers fail, and the brief
// failures that are not over for the daemon.
func (s *killScenario) unopened(long, brief []int) (missing []string) {
	for _, i := range long {
		f := s.servers[i]
		id, a := s.journalReader.latest(f.check)
		if a.opened == 0 || a.since.Before(f.last().from.Add(-ofProbe)) {
			missing = append(missing, string(f.check)+" is not opened")
			continue
		}
		missing = append(missing, s.deaf(i, string(id), typeOpened)...)
	}
	for _, i := range brief {
		f := s.servers[i]
		if _, a := s.journalReader.latest(f.check); a.check != "" && a.closed == 0 {
			missing = append(missing, string(f.check)+" has failed briefly and is not closed")
		}
	}
	return missing
}

// unclosed names who does not know yet that the servers are well.
func (s *killScenario) unclosed(long []int) (missing []string) {
	for _, i := range long {
		id, a := s.journalReader.latest(s.servers[i].check)
		if a.closed == 0 {
			missing = append(missing, string(s.servers[i].check)+" is not closed")
			continue
		}
		missing = append(missing, s.deaf(i, string(id), typeClosed)...)
	}
	return missing
}

// deaf names the webhooks that have not heard of something.
func (s *killScenario) deaf(i int, id, what string) (missing []string) {
	for n, m := range s.receivers(i) {
		if !slices.Contains(m.of(id), what) {
			missing = append(missing, fmt.Sprintf("%s of %s at webhook %d", what, s.servers[i].check, n+1))
		}
	}
	return missing
}

// unmailed names the incidents whose end has not come by mail.
func (s *killScenario) unmailed() (missing []string) {
	for _, id := range s.unmailedIncidents() {
		missing = append(missing, fmt.Sprintf("the mail about incident %s", id))
	}
	return missing
}

// unmailedIncidents lists the incidents whose end has not come by mail. Those that were
// over before it was time for a mail are told in one.
func (s *killScenario) unmailedIncidents() (missing []incident.ID) {
	told := map[string]bool{}
	arrived := s.mails()
	for key, notification := range s.journalReader.sent() {
		for _, item := range notification.Items {
			if item.Transition == notifiers.Closed && arrived[key] > 0 {
				told[string(item.Incident)] = true
			}
		}
	}
	for i := range mailChecks {
		for id, a := range s.journalReader.of(s.servers[i].check) {
			if a.opened > 0 && !told[string(id)] {
				missing = append(missing, id)
			}
		}
	}
	return missing
}

// mails counts the mails of each key.
func (s *killScenario) mails() map[outbox.Key]int {
	arrived := map[outbox.Key]int{}
	for _, e := range s.mail.Messages() {
		arrived[outbox.Key(headerOf(e.Data, "X-Imapvigil-Key"))]++
	}
	return arrived
}

// verify compares what happened with what was journaled and told.
func (s *killScenario) verify() {
	s.t.Helper()
	for i, f := range s.servers {
		s.verifyCheck(i, f)
	}
	for _, m := range []*flakyWebhook{s.tickets, s.oncall} {
		s.verifyArrivals(m)
		if _, most := doubled(m); most > atOnce {
			s.t.Errorf("%d events came again because of one crash, want at most %d", most, atOnce)
		}
	}
	for key, notification := range s.journalReader.notifications {
		if end := s.journalReader.ends[key].State; end != outbox.Sent && !s.journalReader.replaced[key] {
			s.t.Errorf("notification %s of %s ends as %q", key, notification.NotifyID, end)
		}
	}
}

// verifyCheck: one incident for each failure that lasted, with its beginning
// and its end, and none else.
func (s *killScenario) verifyCheck(i int, f *failingServer) {
	s.t.Helper()
	periods := f.all()
	for id, a := range s.journalReader.of(f.check) {
		if a.opened == 0 && a.closed == 1 {
			continue // nobody heard of it
		}
		for len(periods) > 0 && periods[0].brief && !periods[0].mayBe(a) {
			periods = periods[1:]
		}
		if len(periods) == 0 {
			s.t.Errorf("%s: incident %s is invented: %s", f.check, id, a)
			continue
		}
		b := periods[0]
		periods = periods[1:]
		if a.opened != 1 || a.closed != 1 || a.since.Before(b.from.Add(-ofProbe)) || a.since.After(b.to) || a.endedAt.Before(b.to.Add(-ofProbe)) {
			s.t.Errorf("%s: incident %s does not fit to %s: %s", f.check, id, b, a)
		}
		for n, m := range s.receivers(i) {
			if heard := m.of(string(id)); !slices.Equal(heard, []string{typeOpened, typeClosed}) {
				s.t.Errorf("%s: webhook %d heard of incident %s: %v", f.check, n+1, id, heard)
			}
		}
	}
	if periods = slices.DeleteFunc(periods, func(b failurePeriod) bool { return b.brief }); len(periods) > 0 {
		s.t.Errorf("%s: no incident for %v", f.check, periods)
	}
}

// mayBe: a failure that was to be brief was not, because the machine was busy, and
// so it was told.
func (b failurePeriod) mayBe(a account) bool {
	lasted := b.to.Sub(b.from)+ofProbe >= tolerance && a.openedAt.Sub(a.since) >= tolerance
	return lasted && !a.since.Before(b.from.Add(-ofProbe)) && !a.since.After(b.to)
}

// verifyArrivals: each event was decided, and comes again after a crash alone.
func (s *killScenario) verifyArrivals(m *flakyWebhook) {
	s.t.Helper()
	first := map[string]arrival{}
	for _, a := range m.all() {
		before, again := first[a.Key]
		switch {
		case !again:
			first[a.Key] = a
		case before.Type != a.Type || before.Incident.ID != a.Incident.ID:
			s.t.Errorf("one key for two events: %+v, %+v", before, a)
		case before.life == a.life:
			s.t.Errorf("an event came twice without a crash: %+v", a)
		}
		if _, decided := s.journalReader.notifications[outbox.Key(a.Key)]; !decided {
			s.t.Errorf("nobody has decided to tell: %+v", a)
		}
	}
}

// doubled counts what came again, and how much of it because of one and the
// same crash at most: the one that the daemon did not survive after it had sent
// it before. A slow receiver keeps what a life sent after what the next one did.
func doubled(m *flakyWebhook) (all, most int) {
	lives := map[string][]int{}
	for _, a := range m.all() {
		lives[a.Key] = append(lives[a.Key], a.life)
	}
	lost := map[int]int{}
	for _, of := range lives {
		slices.Sort(of)
		for _, life := range of[:len(of)-1] { // the last one has heard of the answer
			all++
			lost[life]++
			most = max(most, lost[life])
		}
	}
	return all, most
}

func (s *killScenario) summary() string {
	opened, unreported := 0, 0
	for _, a := range s.journalReader.incidents {
		opened += a.opened
		if a.unreported {
			unreported++
		}
	}
	lines := []string{fmt.Sprintf("%d waves, %d incidents told, %d failures too short to be told, %d journal records",
		s.waves.Load(), opened, unreported, s.journalReader.seq)}
	for n, m := range []*flakyWebhook{s.tickets, s.oncall} {
		all, most := doubled(m)
		lines = append(lines, fmt.Sprintf("webhook %d: %d events, %d of them again, at most %d after one crash", n+1, len(m.all()), all, most))
	}
	mails, again := s.mails(), 0
	for _, n := range mails {
		again += n - 1
	}
	lines = append(lines, fmt.Sprintf("%d mails, %d of them again", len(mails)+again, again))
	return strings.Join(lines, "\n")
}
