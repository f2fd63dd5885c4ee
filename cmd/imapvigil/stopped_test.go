//go:build !quick

package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// What recovers while nobody looks is closed once, soon after the start,
// whether the daemon was stopped or killed.
func TestRecoveredWhileStopped(t *testing.T) {
	t.Parallel()
	const daemons, times = 10, 10
	program := built(t)
	for n := range daemons {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			h := newFewServers(t, 1, "notification_role.tickets")
			h.program = program
			h.start()
			for n := range times {
				h.fail()
				h.awaitEvents(typeOpened, n+1)
				h.end(n%2 == 0)
				h.recover()
				h.start()
				h.awaitEvents(typeClosed, n+1)
			}
			h.stop()
			h.verify(times)
		})
	}
}

func (h *fewServers) end(killed bool) {
	h.t.Helper()
	if killed {
		h.kill()
	} else {
		h.stop()
	}
}

// Receivers die in the middle of a message: that of the webhook first before it
// has taken it, then before it has said so; the mail server before it has said
// so. Both get the message again, with the same key.
func TestReceiversDie(t *testing.T) {
	t.Parallel()
	h := newFewServers(t, 1, "notification_role.tickets, notification_role.people")
	h.mail.Behave(smtpsink.Behaviour{At: smtpsink.Reply, Do: smtpsink.Drop})
	h.hook.Behave(httpsink.Behaviour{Do: httpsink.Stall})
	h.start()
	h.awaitAll("ok")
	h.fail()
	<-h.hook.Reached()
	if err := h.hook.Close(); err != nil {
		t.Fatal(err)
	}
	taken := make(chan string, 2) // the keys of what a receiver has taken
	again, err := httpsink.Start(httpsink.Options{
		Address: strings.TrimPrefix(h.hook.URL(), "http://"),
		Answer: func(r httpsink.Request) httpsink.Response {
			taken <- r.Header.Get("Webhook-Id")
			if len(taken) == 1 {
				panic(http.ErrAbortHandler) // net/http hangs up
			}
			return httpsink.NoContent(r)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	<-h.mail.Reached()
	h.mail.Behave()

	h.await("both to be told", patience, h.allSent)
	h.stop()
	if got, want := []string{<-taken, <-taken}, slices.Repeat(h.keysOf("tickets"), 2); !slices.Equal(got, want) {
		t.Errorf("the webhook took %v, want %v", got, want)
	}
	var got []string
	for _, m := range h.mail.Messages() {
		got = append(got, headerOf(m.Data, "X-Imapvigil-Key"))
	}
	if want := slices.Repeat(h.keysOf("people"), 2); !slices.Equal(got, want) {
		t.Errorf("the mail server took %v, want %v", got, want)
	}
}

// The process stands still (SIGSTOP; a cgroup's freezer and a stunned machine do
// the same) while the server gets well, and beyond the time when somebody else
// would have been told: nobody is, since nobody has looked meanwhile.
func TestWellWhileStandingStill(t *testing.T) {
	t.Parallel()
	h := newFewServers(t, 1, "notification_role.tickets, notification_role.boss")
	h.write("boss.hcl", `
notifier "webhook" "boss" {
  url = "`+h.hook.URL()+`/boss"
}
notification_role "boss" {
  notify {
    via   = notifier.webhook.boss
    after = "10s"
  }
}
`)
	h.start()
	h.awaitAll("ok")
	h.fail()
	h.awaitEvents(typeOpened, 1)
	h.signal(syscall.SIGSTOP)
	h.recover()
	time.Sleep(12 * time.Second) // the escalation falls due while the process stands still
	h.signal(syscall.SIGCONT)
	h.awaitEvents(typeClosed, 1)
	h.stop()
	h.verify(1)
}

func (v *daemonProcess) signal(s syscall.Signal) {
	v.t.Helper()
	if err := v.process.Process.Signal(s); err != nil {
		v.t.Fatal(err)
	}
}

// A socket that somebody cleans away is back within seconds, while alarms go on.
func TestControlSocketCleanedAway(t *testing.T) {
	t.Parallel()
	h := newFewServers(t, 1, "notification_role.tickets")
	h.start()
	h.awaitAll("ok")
	for n := range 2 {
		h.fail()
		if err := os.Remove(h.path("control.sock")); err != nil {
			t.Fatal(err)
		}
		h.await("an answer", patience, func() bool {
			_, err := h.client.Status(t.Context())
			return err == nil
		})
		h.awaitEvents(typeOpened, n+1)
		h.recover()
		h.awaitEvents(typeClosed, n+1)
	}
	h.stop()
	h.verify(2)
}
