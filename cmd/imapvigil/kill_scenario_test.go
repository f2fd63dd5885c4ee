//go:build soak

package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// A killScenario is a daemon that watches servers which fail and recover in waves, and
// those who are told of it: two webhooks, of which one hears of every second
// check, and by mail, for the first checks.
type killScenario struct {
	*daemonProcess
	servers         []*failingServer
	tickets, oncall *flakyWebhook
	mail            *smtpsink.Sink
	journalReader   *journalReader

	ctx          context.Context
	stopWatching func()        // ends what watches
	noMoreWaves  chan struct{} // closed: no further wave
	failed       chan error    // what went wrong, or nil when the waves have ended
	mailed       atomic.Bool   // the checks that mails are about take part
	life         int           // of the daemon, from 1
	waves        atomic.Int64  // waves so far
}

const (
	steadyEvery = 10 // of so many checks one never fails
	mailChecks  = 10
	// settled is how long all may take that follows from a wave, while the
	// daemon is killed again and again.
	settled = 10 * time.Minute
	// ofProbe is how long a probe takes at most, which is a second, and what a busy
	// machine adds to it: so much earlier than the first conversation that fails it may
	// have begun.
	ofProbe = 10 * time.Second
	// tolerance is that of testdata/soak.
	tolerance = 2 * time.Second
)

// mailPatience is how long the last mail may take once all is well: the one before it may
// have been a digest, after which people are left in peace for longer, and the mail server
// may be in a bad mood.
var mailPatience = outbox.DefaultRates.Digest + time.Minute

func newKillScenario(t *testing.T, n int) *killScenario {
	t.Helper()
	s := &killScenario{
		servers: startFailingServers(t, n), journalReader: newJournalReader(),
		noMoreWaves: make(chan struct{}), failed: make(chan error, 3),
	}
	s.tickets = startFlakyWebhook(t, s.journalReader.nudge)
	s.oncall = startFlakyWebhook(t, s.journalReader.nudge)
	s.mail = startMail(t)
	s.daemonProcess = newDaemonProcess(t, map[string]string{
		"TICKETS": s.tickets.sink.URL(), "ONCALL": s.oncall.sink.URL(), "SMTP_PORT": fmt.Sprint(s.mail.Port()),
	})
	s.program = built(t)
	s.write("credentials/webhook", webhookSecret)
	s.write("receivers.hcl", soakFile(t, "receivers.hcl"))
	s.write("checks.hcl", failingServerConfig(s.servers, func(i int) string {
		return "  notification_roles = [" + strings.Join(rolesOf(i), ", ") + "]\n"
	}))
	s.watchAll()
	return s
}

// beginLife makes the next life of the daemon one that the webhooks can tell from
// the others.
func (s *killScenario) beginLife() {
	s.life++
	s.env = append(s.env, fmt.Sprintf("LIFE=%d", s.life)) // the last one counts
}

func rolesOf(i int) (roles []string) {
	roles = append(roles, "notification_role.tickets")
	if i%2 == 0 {
		roles = append(roles, "notification_role.oncall")
	}
	if i < mailChecks {
		roles = append(roles, "notification_role.people")
	}
	return roles
}

// receivers are the webhooks that hear of a check.
func (s *killScenario) receivers(i int) []*flakyWebhook {
	if i%2 == 0 {
		return []*flakyWebhook{s.tickets, s.oncall}
	}
	return []*flakyWebhook{s.tickets}
}

// watchAll starts what runs beside the daemon. The journal must be there
// before somebody reads it.
func (s *killScenario) watchAll() {
	s.beginLife()
	s.start()
	ctx, cancel := context.WithCancel(context.Background())
	s.ctx = ctx
	var tasks sync.WaitGroup
	s.stopWatching = sync.OnceFunc(func() { cancel(); tasks.Wait() })
	s.t.Cleanup(s.stopWatching)
	tasks.Go(func() {
		if err := s.journalReader.watch(ctx, s.path("state/journal")); err != nil {
			s.failed <- err
		}
	})
	tasks.Go(func() { disturbMail(ctx, s.mail) })
	s.awaitAll("ok")
	s.kill()
	tasks.Go(func() { s.failed <- s.failureWaves() })
}

// A move is something that happens to a server at a time.
type move struct {
	after time.Duration
	do    func() error
}

// play makes the moves, each at its time.
func (s *killScenario) play(moves []move) error {
	slices.SortFunc(moves, func(a, b move) int { return cmp.Compare(a.after, b.after) })
	began := time.Now()
	for _, m := range moves {
		select {
		case <-time.After(time.Until(began.Add(m.after))):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

// failMost lets more than half of the servers fail, some of them so briefly that it
// is nothing to talk of.
func (s *killScenario) failMost() (long, brief []int, err error) {
	var moves []move
	for i, f := range s.servers {
		luck, at := rand.IntN(10), rand.N(time.Second)
		switch {
		case i%steadyEvery == steadyEvery-1, i < mailChecks && !s.mailed.Load(), luck >= 7:
		case luck >= 6:
			brief = append(brief, i)
			moves = append(moves,
				move{at, func() error { f.fail(true); return nil }},
				move{at + rand.N(800*time.Millisecond), f.recover})
		default:
			long = append(long, i)
			moves = append(moves, move{at, func() error { f.fail(false); return nil }})
		}
	}
	return long, brief, s.play(moves)
}

// recoverFailed lets those who failed recover.
func (s *killScenario) recoverFailed(long []int) error {
	moves := make([]move, 0, len(long))
	for _, i := range long {
		moves = append(moves, move{rand.N(time.Second), s.servers[i].recover})
	}
	return s.play(moves)
}
