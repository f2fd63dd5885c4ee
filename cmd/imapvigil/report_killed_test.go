//go:build !quick

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// TestReportSurvivesKills has the daemon killed while it sends the report of the last week: it is
// sent again under the same key, with its files, and once it has arrived never again.
func TestReportSurvivesKills(t *testing.T) {
	t.Parallel()
	mail := startMail(t)
	v := newDaemonProcess(t, map[string]string{"SMTP_PORT": fmt.Sprint(mail.Port())})
	v.write("main.hcl", strings.Replace(reportConfig, "ZONE", zoneInsideAWeek(), 1))
	if err := os.Mkdir(v.path("state"), 0o700); err != nil {
		t.Fatal(err)
	}
	rehearsePast(t, v.path("state/history.db"))
	mail.Behave(smtpsink.Behaviour{At: smtpsink.Data, Do: smtpsink.Stall})
	for range 2 {
		v.start()
		select {
		case <-mail.Reached():
		case <-time.After(patience):
			t.Fatal("no report is sent")
		}
		v.kill()
	}
	mail.Behave()
	v.start()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := mail.Wait(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	text := string(got[0].Data)
	for _, want := range []string{
		"Subject: [imapvigil] Availability of Customers, ", "X-Imapvigil-Key: report/customers/20", "multipart/mixed", `filename="availability-`, ".csv", "text/html",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail lacks %q:\n%.2000s", want, text)
		}
	}
	if strings.Contains(text, "mx1") || len(got[0].To) != 1 || got[0].To[0] != "boss@example.org" {
		t.Errorf("a public report to %v has an id:\n%.2000s", got[0].To, text)
	}
	v.stop() // with the outcome journaled
	if out, code := v.command("journal", "--json"); code != 0 || strings.Count(out, `"kind":"report"`) != 1 || strings.Count(out, `"state":"sent"`) != 1 {
		t.Errorf("the journal has not one report that was sent: %d\n%s", code, out)
	}
	// What was sent is known after a start, too: the journal is all that says so.
	v.start()
	v.stop()
	if n := len(mail.Messages()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// zoneInsideAWeek returns a zone in which it is not the first minutes of a week, whose report is
// not due yet.
func zoneInsideAWeek() string {
	if now := time.Now().UTC(); now.Weekday() == time.Monday && now.Hour() == 0 {
		return "Asia/Tokyo"
	}
	return "UTC"
}

// rehearsePast writes a history that begins three weeks ago.
func rehearsePast(t *testing.T, path string) {
	t.Helper()
	now := time.Now().Add(-21 * 24 * time.Hour)
	past := history.Rehearse(history.Options{Path: path, Node: "n1"}, now)
	past.Use(&config.Config{Checks: map[config.CheckID]*config.Check{
		"mx1/imaps": {ID: "mx1/imaps", Label: "Mail", Enabled: true, Probe: config.Probe{Interval: time.Hour, Timeout: 10 * time.Second}},
	}})
	for range 20 * 24 {
		past.Result(incident.Result{Check: "mx1/imaps", Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService)})
		now = now.Add(time.Hour)
		if err := past.Write(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	past.Close(t.Context())
}

const reportConfig = `
daemon {
  notification_roles = []
  heartbeat_url      = ""
}

page {
  timezone = "ZONE"
}

notifier "email" "mailroom" {
  host     = "127.0.0.1"
  port     = env("SMTP_PORT")
  security = "none"
  from     = "imapvigil <alerts@example.net>"
}

notification_role "boss" {
  notify {
    via = notifier.email.mailroom
    to  = ["boss@example.org"]
  }
}

group "customers" {
  label = "Customers"
  server "mx1" {
    hostname = "127.0.0.1"
    imap_check "imaps" {
      label              = "Mail"
      port               = 9
      security           = "tls"
      interval           = "1h"
      slo                = 99.9
      notification_roles = []
    }
  }
}

report "customers" {
  every  = "week"
  group  = group.customers
  roles  = [notification_role.boss]
  public = true
}
`
