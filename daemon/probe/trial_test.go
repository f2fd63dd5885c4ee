package probe

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// try makes a trial of the bubble's check, and returns its phases in words beside the result.
func (b *bubble) try(retry bool) (r incident.Result, phases string) {
	var mu sync.Mutex
	var words []string
	p := b.prober.Try(b.t.Context(), "check", b.check, Trial{Retry: retry, OnPhase: func(e PhaseEnd) {
		mu.Lock()
		defer mu.Unlock()
		word := e.Phase.String()
		if !e.OK {
			word += "!"
		}
		words = append(words, word)
	}})
	return verdict.Judge(&b.check, &p), strings.Join(words, " ")
}

func TestPhasesAreToldAsTheyEnd(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.login(config.Login{Username: "alice", Mailbox: "INBOX"})
		r, phases := b.try(false)
		b.expect(r, "ok")
		if phases != "dns connect tls greeting capability login select logout" {
			t.Errorf("the phases are %s", phases)
		}
		b.kill("192.0.2.1")
		if r, phases = b.try(false); phases != "dns connect!" || r.Health() != incident.Down {
			t.Errorf("of a server that is gone the phases are %s, and it is %s", phases, r.Health())
		}
	})
}

// A trial shows its conversation, and no other; a password is starred out.
func TestATrialShowsItsConversation(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.login(config.Login{Username: "alice"})
		var mu sync.Mutex
		var lines []string
		b.prober.Try(b.t.Context(), "check", b.check, Trial{OnLine: func(l Line) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, l.From+" "+l.Text.String())
		}})
		b.expect(b.probe(), "ok")
		text := strings.Join(lines, "\n")
		if n := strings.Count(text, "- connected to 192.0.2.1:993"); n != 1 || !strings.Contains(text, "C ") || !strings.Contains(text, "S * OK") {
			t.Errorf("connected %d times in\n%s", n, text)
		}
		if strings.Contains(text, b.check.Login.Password.Reveal()) {
			t.Errorf("the password is in\n%s", text)
		}
	})
}

// Whatever a trial sees, the next probe that counts is as if there had been none: it says what is
// new, logs in when it is due, and not because the trial did.
func TestATrialLeavesNoTrace(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.login(config.Login{Username: "alice", Every: time.Hour})
		b.expect(b.probe(), "ok")
		b.expect(b.probeAfter(time.Minute), "ok") // confirmed: the next login is due in an hour
		if r, _ := b.try(false); b.logins("192.0.2.1") != 3 {
			t.Errorf("a trial does not log in: %d logins, %s", b.logins("192.0.2.1"), r.Health())
		}
		b.expect(b.probeAfter(time.Minute), "ok")
		if n := b.logins("192.0.2.1"); n != 3 {
			t.Errorf("%d logins", n)
		}
		b.serve("192.0.2.1", strings.Replace(polite, "tls", "tls intermediate", 1))
		known := b.prober.memory.checks["check"].shown[0].print
		if r, _ := b.try(false); !slices.ContainsFunc(r.Notes, func(n incident.Note) bool { return n.Cause == config.CauseCertChanged }) {
			t.Errorf("the trial does not say that the certificate changed: %v", r.Notes)
		}
		if b.prober.memory.checks["check"].shown[0].print != known {
			t.Error("the trial took the certificate for known")
		}
		b.kill("192.0.2.1")
		b.try(false)
		if failing := b.prober.memory.checks["check"].failing; len(failing) != 0 {
			t.Errorf("the trial left failing addresses: %v", failing)
		}
	})
}

// Rejections of trials count for the account, since servers count them; a person may try all the
// same.
func TestTrialsWaitAfterRejections(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", rejects)
		b.login(config.Login{Username: "alice"})
		for range 5 {
			b.try(false)
		}
		if n := b.logins("192.0.2.1"); n != rejectionsBefore {
			t.Errorf("%d logins", n)
		}
		b.try(true)
		if n := b.logins("192.0.2.1"); n != rejectionsBefore+1 {
			t.Errorf("%d logins after a person asked for one", n)
		}
	})
}

// Trials take slots as slow checks do: however many wait, quick probes go on.
func TestTrialsTakeNoSlotFromQuickProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(4)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var trying sync.WaitGroup
		for range 40 {
			trying.Go(func() {
				for c.loop.Try(ctx, func(ctx context.Context) {
					select {
					case <-ctx.Done():
					case <-time.After(hangTime):
					}
				}) == nil {
				}
			})
		}
		var running sync.WaitGroup
		for _, id := range []config.CheckID{"a", "b", "c", "d"} {
			running.Go(func() { c.loop.Run(ctx, id, config.Probe{Interval: time.Second, Timeout: time.Second}) })
		}
		running.Wait()
		trying.Wait()
		if late := c.lag[false]; late > time.Second {
			t.Errorf("a quick probe began %v late", late)
		}
	})
}
