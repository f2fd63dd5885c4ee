//go:build soak

package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// The notifiers of testdata/soak/storm.hcl: one for programs, two for people.
const (
	programs  config.NotifierID = "webhook.tickets"
	mailroom  config.NotifierID = "email.mailroom"
	workspace config.NotifierID = "slack.workspace"
)

// A storm is a daemon with very many checks, five a server, that all look at
// one address, and those who are told: by mail, in Slack, by a webhook.
type storm struct {
	*daemonProcess
	imap          *failingServer
	mail          *smtpsink.Sink
	slack         *busySlack
	hook          *httpsink.Sink
	journalReader *journalReader
	began         time.Time
}

func newStorm(t *testing.T) *storm {
	t.Helper()
	s := &storm{
		imap: startFailingServers(t, 1)[0], mail: startMail(t), slack: startBusySlack(t),
		hook: startSink(t, slowly), journalReader: newJournalReader(),
	}
	s.imap.fail(false)
	s.daemonProcess = newDaemonProcess(t, map[string]string{
		"WEBHOOK": s.hook.URL(), "SLACK": s.slack.sink.URL() + "/", "SMTP_PORT": fmt.Sprint(s.mail.Port()),
		"GODEBUG": "gctrace=1", // see plannedMegabytes
	})
	s.program = built(t)
	s.write("credentials/slack", "xoxb-0")
	s.write("storm.hcl", soakFile(t, "storm.hcl"))
	s.write("checks.hcl", stormConfig(s.imap.address))
	return s
}

// slowly takes 100 ms for an event, as a ticket system does.
func slowly(r httpsink.Request) httpsink.Response {
	<-time.After(100 * time.Millisecond)
	return httpsink.NoContent(r)
}

// collected is a line of GODEBUG=gctrace=1 (package runtime): what the heap may grow to
// before the next collection, and what the stacks hold, in MiB.
var collected = regexp.MustCompile(`(?m)^gc \d+ .* (\d+) MB goal, (\d+) MB stacks,`)

// collections is how many in a row want much memory when much is in use. A single one
// that wants more took long, on a busy machine, while others went on allocating, all of
// which it takes for being in use.
const collections = 5

// plannedMegabytes is the most memory that the daemon's runtime allowed itself over
// several collections.
func (s *storm) plannedMegabytes() float64 {
	s.t.Helper()
	found := collected.FindAllStringSubmatch(s.log(), -1)
	if len(found) == 0 {
		s.t.Fatal("the log has no line of gctrace")
	}
	planned := make([]float64, len(found))
	for i, line := range found {
		goal, _ := strconv.ParseFloat(line[1], 64)
		stacks, _ := strconv.ParseFloat(line[2], 64)
		planned[i] = (goal + stacks) * (1 << 20) / 1e6
	}
	most := slices.Min(planned)
	for i := range max(0, len(planned)-collections+1) {
		most = max(most, slices.Min(planned[i:i+collections]))
	}
	s.t.Logf("%d collections; the largest plan of a single one is %.0f MB", len(planned), slices.Max(planned))
	return most
}

// begin starts the daemon, and the journalReader beside it.
func (s *storm) begin() {
	s.t.Helper()
	s.began = time.Now()
	s.start()
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan error, 1)
	go func() { watched <- s.journalReader.watch(ctx, s.path("state/journal")) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-watched; err != nil {
			s.t.Error(err)
		}
	})
}

// stormConfig declares checks whose first probes fall into one second.
func stormConfig(address string) string {
	host, port, _ := net.SplitHostPort(address)
	var text strings.Builder
	server, n := 0, 0
	for name := 0; n < stormChecks; name++ {
		id := fmt.Sprintf("s%d/c%d", server, name)
		if first := spread(id); first < 0.3 || first >= 0.4 {
			continue
		}
		if n%5 == 0 {
			fmt.Fprintf(&text, "server \"s%d\" {\n  hostname = %q\n", server, host)
		}
		fmt.Fprintf(&text, "  imap_check \"c%d\" {\n    port     = %s\n    security = \"none\"\n  }\n", name, port)
		if n++; n%5 == 0 {
			text.WriteString("}\n")
			server++
		}
	}
	return text.String()
}

// spread is where in the ten seconds after the start a check is probed first,
// as package probe has it; the test looks whether it comes out like this.
func spread(id string) float64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	x := h.Sum64()
	x = (x ^ x>>32) * 0x9e3779b97f4a7c15
	return float64(x>>11) / (1 << 53)
}

// awaitTold waits until a notifier has delivered a transition of every check.
func (s *storm) awaitTold(to config.NotifierID, what notifiers.Transition, deadline time.Duration) {
	s.t.Helper()
	s.await(fmt.Sprintf("all checks to be %s at %s", what, to), deadline, func() bool {
		return s.journalReader.told(to, what) >= stormChecks
	})
	s.t.Logf("%s: all %d are %s, %s after the start", to, stormChecks, what, time.Since(s.began).Round(time.Second))
}

// A busySlack says 429 at first, and again now and then.
type busySlack struct {
	sink *httpsink.Sink

	mu    sync.Mutex
	asked []time.Time
}

const slackPause = 3 * time.Second

func startBusySlack(t testing.TB) *busySlack {
	t.Helper()
	b := &busySlack{}
	b.sink = startSink(t, b.answer)
	return b
}

// answer refuses two of three messages.
func (b *busySlack) answer(r httpsink.Request) httpsink.Response {
	if strings.HasSuffix(r.Path, "/chat.update") { // has a limit of its own
		return httpsink.Slack(r)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, time.Now())
	if len(b.asked)%3 != 0 {
		return httpsink.Response{
			Status: http.StatusTooManyRequests,
			Header: http.Header{"Retry-After": {fmt.Sprint(int(slackPause.Seconds()))}},
		}
	}
	return httpsink.Slack(r)
}

// verify: people get no message too soon after another.
func (s *storm) verify() {
	s.t.Helper()
	began, last := s.journalReader.beginnings()
	// A second, where there is nothing else to do: or package probe spreads them otherwise.
	s.t.Logf("the checks began to fail within %s", last.Sub(began).Round(time.Millisecond))
	for _, to := range []config.NotifierID{mailroom, workspace} {
		notifications := s.journalReader.notificationsTo(to)
		took := s.firstArrival(to).Sub(began)
		s.t.Logf("%s: %d messages, the first %s after the first failure", to, len(notifications), took.Round(time.Millisecond))
		for i := range len(notifications) - 1 {
			if pause := notifications[i+1].At.Sub(notifications[i].At); pause < time.Minute {
				s.t.Errorf("%s: two messages within %s", to, pause)
			}
		}
	}
	for i, at := range s.slack.asked[1:] {
		if pause := at.Sub(s.slack.asked[i]); pause < slackPause {
			s.t.Errorf("Slack was asked again after %s, although it had asked for %s", pause, slackPause)
		}
	}
}

// firstArrival is when a first message reached the other side.
func (s *storm) firstArrival(to config.NotifierID) time.Time {
	if to == workspace {
		return s.slack.asked[0]
	}
	return s.journalReader.ends[s.journalReader.notificationsTo(to)[0].Key].At
}
