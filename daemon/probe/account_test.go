package probe

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// Eight checks whose password was rejected, and wait. Then the files change.
func TestWaitEndsWithTheEdit(t *testing.T) {
	password := func(text string) func(*worldCheck) {
		return func(c *worldCheck) { c.probe.Login.Password = opaque.NewSecret(text) }
	}
	for name, test := range map[string]struct {
		edit       func(*worldCheck)
		good       bool // what the server says then
		recovers   bool // within five minutes
		rejections int  // in these five minutes, at most
	}{
		"the right password":        {password("right"), true, true, 0},
		"another wrong password":    {password("wrong, too"), false, false, 3},
		"another port":              {func(c *worldCheck) { c.probe.Port += 1000 }, true, true, 0},
		"another port, no better":   {func(c *worldCheck) { c.probe.Port += 1000 }, false, false, 3},
		"another mailbox":           {func(c *worldCheck) { c.probe.Login.Mailbox = "INBOX" }, true, true, 0},
		"another interval":          {func(c *worldCheck) { c.probe.Interval = 50 * time.Second }, true, false, 0},
		"nothing, and no better":    {func(*worldCheck) {}, false, false, 0},
		"nothing, and it is mended": {func(*worldCheck) {}, true, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inLoginWorld(t, 2, func(w *loginWorld) {
				does := rejectsIt
				w.server = func(try) serverDoes { return does }
				for range 8 {
					w.add(nil)
				}
				w.runFor(25 * time.Minute) // the wait of half an hour has begun
				before, edited := len(w.rejections()), time.Now()
				if test.good {
					does = fine
				}
				for _, c := range w.checks {
					test.edit(c)
				}
				w.runFor(5 * time.Minute)
				if n := len(w.rejections()) - before; n > test.rejections {
					t.Errorf("%d rejections after the edit", n)
				}
				for id, c := range w.checks {
					if n := len(c.happened(incident.Closed, config.ConditionAccount, edited)); (n == 1) != test.recovers {
						t.Errorf("%s: %v", id, c.events)
					}
				}
			})
		})
	}
}

// Whoever mends a password at the server and asks for a recheck of one check gets
// all of them tried again.
func TestRecheckEndsTheWaitOfAll(t *testing.T) {
	inLoginWorld(t, 1, func(w *loginWorld) {
		does := rejectsIt
		w.server = func(try) serverDoes { return does }
		for range 8 {
			w.add(nil)
		}
		w.runFor(25 * time.Minute)
		before, mended := len(w.rejections()), time.Now()
		does = fine
		for made := range w.tried() { // one that the server has told so
			w.prober.RetryLogin(made)
			break
		}
		w.runFor(5 * time.Minute)
		for id, c := range w.checks {
			if len(c.happened(incident.Closed, config.ConditionAccount, mended)) != 1 {
				t.Errorf("%s: %v", id, c.events)
			}
		}
		if n := len(w.rejections()); n != before {
			t.Errorf("%d more rejections", n-before)
		}
	})
}

func (w *loginWorld) tried() map[config.CheckID]bool {
	checks := map[config.CheckID]bool{}
	for _, made := range w.tries {
		checks[made.check] = true
	}
	return checks
}

// A recheck that is rejected, too, is no licence for the others.
func TestRecheckIsOneLogin(t *testing.T) {
	inLoginWorld(t, 1, func(w *loginWorld) {
		w.server = func(try) serverDoes { return rejectsIt }
		for range 4 {
			w.add(nil)
		}
		w.runFor(25 * time.Minute)
		before := len(w.rejections())
		w.prober.RetryLogin("c2")
		w.runFor(5 * time.Minute)
		if n := len(w.rejections()) - before; n != 1 {
			t.Errorf("%d logins after a recheck", n)
		}
	})
}

// A check that was called and is gone does not keep the others from their turn.
func TestWhoeverIsCalledAndGoneLosesTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var called []config.CheckID
		a := accounts{call: func(id config.CheckID) { called = append(called, id) }}
		claims := map[string]claim{}
		for i, id := range []string{"a", "b", "c"} {
			claims[id] = claim{
				key: accountKey{"alice", "mail"}, timeout: 30 * time.Second,
				place: place{config.CheckID(id), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})},
			}
		}
		enter := func(id string) turn { return a.awaitTurn(t.Context(), claims[id], time.Second) }
		if enter("a") != turnTaken || enter("b") != turnMissed || enter("c") != turnMissed {
			t.Error("not one at a time")
		}
		a.endTurn(claims["a"], verdict.LoginGood)
		if got := fmt.Sprint(called); got != "[b]" {
			t.Errorf("called %s", got)
		}
		if enter("c") != turnMissed { // it is kept for b
			t.Error("c took the turn of b")
		}
		time.Sleep(30 * time.Second)
		if enter("c") != turnTaken {
			t.Error("c has to wait for a check that is gone")
		}
		a.endTurn(claims["c"], verdict.LoginGood)
		if enter("b") != turnTaken {
			t.Error("b cannot come back")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if a.awaitTurn(ctx, claims["a"], time.Hour) != turnMissed {
			t.Error("a cancelled probe waits")
		}
		a.endTurn(claims["b"], verdict.LoginBroken)
		if enter("a") != turnTaken {
			t.Error("who was cancelled is still in the queue")
		}
	})
}

// Accounts are forgotten with the checks that used them.
func TestAccountsAreForgotten(t *testing.T) {
	var a accounts
	now := time.Now()
	for i := range 5 {
		a.noteCredentials(accountKey{fmt.Sprint("user", i), "mail"}, "check", 1, false, now)
	}
	a.noteCredentials(accountKey{"user0", "mail"}, "check", 1, false, now.Add(forgottenAfter))
	a.noteCredentials(accountKey{"user0", "mail"}, "check", 1, false, now.Add(forgottenAfter+2*time.Hour))
	if len(a.known) != 1 {
		t.Errorf("%d accounts remembered", len(a.known))
	}
}
