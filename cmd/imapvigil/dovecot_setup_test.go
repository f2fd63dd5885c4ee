//go:build !quick

package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
)

// A dovecotSetup is a real Dovecot, a daemon that watches it as testdata/real says,
// and those who are told.
type dovecotSetup struct {
	*daemonProcess
	server *dovecot.Server
	told   *messageReceivers
}

// realChecks are the checks of testdata/real, sorted, and realDestinations the destinations on
// which their roles are told.
var realChecks = []config.CheckID{"mx1/imaps", "mx1/plain", "mx1/starttls", "partner"}

const realDestinations = 5

func newDovecotSetup(t *testing.T) *dovecotSetup {
	t.Helper()
	h := &dovecotSetup{server: dovecot.Start(t, dovecot.Options{})}
	h.told = newMessageReceivers(t, h.server.CA())
	env := h.told.env()
	env["CA_FILE"] = h.server.CAFile()
	env["IMAP_PORT"], env["IMAPS_PORT"] = strconv.Itoa(h.server.IMAPPort()), strconv.Itoa(h.server.IMAPSPort())
	h.daemonProcess = newDaemonProcess(t, env)
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
func (h *dovecotSetup) restart() {
	h.t.Helper()
	h.kill()
	h.start()
}

// Messages to people come at most once a minute, and that is what these waits
// are for.
const minutely = 2*time.Minute + patience

// awaitTold waits until everybody was told of a transition of every check.
func (h *dovecotSetup) awaitTold(transition string) {
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
		return sent >= realDestinations*len(realChecks)
	})
}
