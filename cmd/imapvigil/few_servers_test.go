//go:build !quick

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

const typeOpened, typeClosed = "incident.opened", "incident.closed"

// fewServers are a few servers, a daemon that watches them, a webhook and a mail
// server.
type fewServers struct {
	*daemonProcess
	servers []*failingServer
	hook    *httpsink.Sink
	mail    *smtpsink.Sink
}

func startMail(t testing.TB) *smtpsink.Sink {
	t.Helper()
	mail, err := smtpsink.Start(smtpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mail.Close() })
	return mail
}

// newFewServers starts n servers and makes a daemon for them, in which failures are told at once, to roles of
// testdata/soak.
func newFewServers(t *testing.T, n int, roles string) *fewServers {
	t.Helper()
	h := &fewServers{servers: startFailingServers(t, n), hook: startSink(t, httpsink.NoContent), mail: startMail(t)}
	h.daemonProcess = newDaemonProcess(t, map[string]string{
		"TICKETS": h.hook.URL(), "ONCALL": h.hook.URL(), "SMTP_PORT": fmt.Sprint(h.mail.Port()), "LIFE": "1",
	})
	h.write("credentials/webhook", webhookSecret)
	h.write("receivers.hcl", soakFile(t, "receivers.hcl"))
	h.write("checks.hcl", failingServerConfig(h.servers, func(int) string {
		return "  fault_tolerance    = \"0s\"\n  notification_roles = [" + roles + "]\n"
	}))
	return h
}

func soakFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "soak", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fail lets all servers fail.
func (h *fewServers) fail() {
	for _, f := range h.servers {
		f.fail(false)
	}
}

// recover makes them well.
func (h *fewServers) recover() {
	h.t.Helper()
	for _, f := range h.servers {
		if err := f.recover(); err != nil {
			h.t.Fatal(err)
		}
	}
}

// events are what the webhook has accepted, in order.
func (h *fewServers) events() (all []event) {
	h.t.Helper()
	for _, r := range h.hook.Requests() {
		var e event
		if err := json.Unmarshal(r.Body, &e); err != nil {
			h.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// awaitEvents waits until the webhook has heard of something of every check
// so many times; what came again counts once.
func (h *fewServers) awaitEvents(what string, n int) {
	h.t.Helper()
	h.await(fmt.Sprintf("%d times %s", n, what), patience, func() bool {
		return h.told(what) >= n*len(h.servers)
	})
}

// told counts the events of a type that the webhook has heard of.
func (h *fewServers) told(what string) int {
	seen := map[string]bool{}
	for _, e := range h.events() {
		if e.Type == what {
			seen[e.Key] = true
		}
	}
	return len(seen)
}

// verify: each check had so many incidents, and the webhook has heard once of
// each beginning and then of its end, if what came again with the same key
// counts once.
func (h *fewServers) verify(times int) {
	h.t.Helper()
	seen, heard, incidents := map[string]bool{}, map[string][]string{}, map[string]map[string]bool{}
	for _, e := range h.events() {
		if seen[e.Key] {
			continue
		}
		seen[e.Key] = true
		heard[e.Incident.ID] = append(heard[e.Incident.ID], e.Type)
		if incidents[e.Incident.Check] == nil {
			incidents[e.Incident.Check] = map[string]bool{}
		}
		incidents[e.Incident.Check][e.Incident.ID] = true
	}
	for id, types := range heard {
		if !slices.Equal(types, []string{typeOpened, typeClosed}) {
			h.t.Errorf("the webhook heard of incident %s: %v", id, types)
		}
	}
	for _, f := range h.servers {
		if got := len(incidents[string(f.check)]); got != times {
			h.t.Errorf("%s had %d incidents, want %d", f.check, got, times)
		}
	}
}

// allSent: there are messages, and nobody waits for one.
func (h *fewServers) allSent() bool {
	h.t.Helper()
	incidents, err := h.client.Incidents(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	n := 0
	for _, in := range incidents.Incidents {
		for _, d := range in.Deliveries {
			if n++; d.State != "sent" {
				return false
			}
		}
	}
	return n > 0
}

// keysOf lists the keys under which the journal has decided to tell a role.
func (h *fewServers) keysOf(role string) (keys []string) {
	h.t.Helper()
	for _, notification := range h.journalContents().notifications {
		if string(notification.NotifyID.Role) == role {
			keys = append(keys, string(notification.Key))
		}
	}
	return keys
}
