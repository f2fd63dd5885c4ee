//go:build !quick

package main

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// An outage of everything is told once to each role on each way, and so is its
// end; whatever moment the daemon is killed in, nothing is lost and nothing is
// doubled.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// failing and recovering happen once the server has stopped and has
		// started again.
		failing, recovering func(*dovecotSetup)
		// ends of the daemon: each of them may leave one message a way of which it
		// does not know whether it has arrived, and which comes again with the same
		// key. So many come again at least.
		ends, again int
	}{
		{
			name:       "undisturbed",
			failing:    func(*dovecotSetup) {},
			recovering: func(*dovecotSetup) {},
		},
		{
			name:       "killed before anything is told",
			failing:    func(h *dovecotSetup) { h.awaitRecord("incident.failing"); h.restart() },
			recovering: func(h *dovecotSetup) { h.awaitRecord("incident.recovering"); h.restart() },
			ends:       2,
		},
		{
			name:       "killed once it is decided",
			failing:    func(h *dovecotSetup) { h.awaitRecord("incident.opened"); h.restart() },
			recovering: func(h *dovecotSetup) { h.awaitRecord("incident.closed"); h.restart() },
			ends:       2,
		},
		{
			name:       "killed while the mail server is away",
			failing:    killedWithQueue,
			recovering: func(*dovecotSetup) {},
			ends:       1,
		},
		{
			name:       "killed once a message has arrived that the daemon does not know of",
			failing:    killedUnaware,
			recovering: killedUnaware,
			ends:       2,
			again:      2, // the mail about the beginning, and that about the end
		},
		{
			name:       "killed again and again",
			failing:    killedOften("incident.failing"),
			recovering: killedOften("incident.recovering"),
			ends:       2 * often,
		},
		{
			name:       "stopped while a message is under way",
			failing:    stoppedMeanwhile,
			recovering: func(h *dovecotSetup) { h.stop(); h.start() },
			ends:       2,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newDovecotSetup(t)
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
			journalContents := h.journalContents()
			journalContents.verify(h.daemonProcess, realChecks, realDestinations)
			if n, most := h.verifyMessages(journalContents), test.ends*realDestinations; n < test.again || n > most {
				t.Errorf("%d messages came twice, want %d to %d", n, test.again, most)
			}
			if test.ends == 0 {
				h.verifyTexts(journalContents)
			}
		})
	}
}

// killedWithQueue has the mail server refuse everybody until the daemon has
// tried, was killed and runs again.
func killedWithQueue(h *dovecotSetup) {
	h.meanwhile(smtpsink.Behaviour{At: smtpsink.Greeting, Do: smtpsink.Answer, Code: 421, Text: "4.3.2 later"}, h.kill)
}

// killedUnaware kills the daemon when the mail server has taken a message, and
// before it has said so.
func killedUnaware(h *dovecotSetup) {
	h.meanwhile(smtpsink.Behaviour{At: smtpsink.Reply, Do: smtpsink.Stall}, h.kill)
}

const often = 5

// killedOften kills the daemon whenever it has just become ready.
func killedOften(kind string) func(*dovecotSetup) {
	return func(h *dovecotSetup) {
		h.awaitRecord(kind)
		for range often {
			h.restart()
		}
	}
}

// stoppedMeanwhile stops the daemon while the mail server takes its time.
func stoppedMeanwhile(h *dovecotSetup) {
	h.meanwhile(smtpsink.Behaviour{At: smtpsink.Data, Do: smtpsink.Stall}, h.stop)
}

// meanwhile ends the daemon in the middle of a mail, and starts it again.
func (h *dovecotSetup) meanwhile(b smtpsink.Behaviour, end func()) {
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
