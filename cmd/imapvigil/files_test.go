//go:build !quick

package main

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// A certificate that has expired is an outage like any other, with its own
// cause, and with a hint that says since when.
func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	h := newDovecotSetup(t)
	h.start()
	h.awaitAll("ok")
	h.server.UseCertificate(ca.Expired(ca.Leaf{}))
	encrypted := []config.CheckID{"mx1/imaps", "mx1/starttls", "partner"}
	for _, id := range encrypted {
		h.await(string(id)+" to be down", patience, func() bool { return h.check(id).State == "down" })
		if c := h.check(id); c.Phase != "tls" || c.Cause != "cert_expired" || !strings.Contains(c.Hint, "expired") {
			t.Errorf("%s: %s %s, hint %q", id, c.Phase, c.Cause, c.Hint)
		}
	}
	if c := h.check("mx1/plain"); c.State != "ok" {
		t.Errorf("%s is %s: it needs no certificate", c.ID, c.State)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mails, err := h.told.mail.Wait(ctx, 1)
	if err != nil {
		t.Fatal("no mail about it: ", err)
	}
	for _, pattern := range []string{
		`(?m)^Subject: .* 3 down: `,
		`(?m)^Why: +tls: the certificate has expired \(cert_expired\)$`,
		`(?m)^Hint: +The certificate expired on \d{4}-\d\d-\d\d`,
	} {
		if text := mails[0].Text(); !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("the mail says nothing like %s:\n%s", pattern, text)
		}
	}
	h.server.UseCertificate(ca.Leaf{})
	h.awaitAll("ok")
	h.stop()
}

// Editing the files starts and stops just the checks that have changed. The
// others do not notice: neither their state nor their schedule moves.
func TestEditing(t *testing.T) {
	t.Parallel()
	h := newDovecotSetup(t)
	// An hour between two probes: whoever starts it anew shifts that.
	text := strings.Replace(realFile(t, "checks.hcl"), "  hostname = \"localhost\"", "  interval = \"1h\"\n  hostname = \"localhost\"", 1)
	h.write("checks.hcl", text)
	h.start()
	h.awaitAll("ok")
	var partner api.Check
	h.await("partner's next turn", patience, func() bool {
		partner = h.check("partner")
		return partner.NextProbeAt.After(*partner.LastProbeAt)
	})

	edits := []struct {
		what     string
		old, new string
		want     applied
	}{
		{"a label", `label    = "IMAP over TLS"`, `label    = "IMAP"`, applied{Unchanged: 4}},
		{"a role", `[notification_role.it_team, notification_role.cto]`, `[notification_role.it_team]`, applied{Unchanged: 4}},
		{"a tolerance", `fault_tolerance    = "3s"`, `fault_tolerance    = "4s"`, applied{Unchanged: 4}},
		{"a port", `port     = env("IMAP_PORT")
        security = "none"`, `port     = env("IMAPS_PORT")
        security = "tls"`, applied{Changed: 1, Unchanged: 3}},
		{"a new check", `imap_check "starttls" {`, `imap_check "new" {
        port     = env("IMAP_PORT")
        security = "starttls"
      }
      imap_check "starttls" {`, applied{Started: 1, Unchanged: 4}},
		{"a name, which is another check", `imap_check "starttls"`, `imap_check "submission"`, applied{Started: 1, Stopped: 1, Unchanged: 4}},
		{"a pause", `label    = "IMAP"`, "label    = \"IMAP\"\n        enabled  = false", applied{Stopped: 1, Unchanged: 4}},
	}
	for i, edit := range edits {
		changed := strings.Replace(text, edit.old, edit.new, 1)
		if changed == text {
			t.Fatalf("there is no %s to edit", edit.what)
		}
		text = changed
		h.write("checks.hcl", text)
		h.await("the edit of "+edit.what, patience, func() bool { return len(h.appliedSoFar()) >= i+2 })
		if got := h.appliedSoFar()[i+1]; got != edit.want {
			t.Errorf("%s: %+v, want %+v", edit.what, got, edit.want)
		}
	}
	h.await("the new checks to be probed", patience, func() bool {
		return h.check("mx1/new").State == "ok" && h.check("mx1/submission").State == "ok" && h.check("mx1/plain").State == "ok"
	})
	if c := h.check("mx1/imaps"); c.State != "paused" || c.Label != "IMAP" {
		t.Errorf("the paused check is %s and called %q", c.State, c.Label)
	}
	if c := h.check("partner"); !c.LastProbeAt.Equal(*partner.LastProbeAt) || !c.NextProbeAt.Equal(*partner.NextProbeAt) || !c.Since.Equal(*partner.Since) {
		t.Errorf("the edits of others have moved partner:\n%+v\n%+v", partner, c)
	}
	h.stop()
	if events := h.journalContents().events; len(events) > 0 {
		t.Errorf("the edits made incidents: %+v", events)
	}
}

// applied is what the log says of a new configuration.
type applied struct{ Started, Stopped, Changed, Unchanged int }

// appliedSoFar lists them, that of the start first.
func (h *dovecotSetup) appliedSoFar() (all []applied) {
	h.t.Helper()
	for _, line := range h.logged("configuration applied") {
		n := func(name string) int { return int(line[name].(float64)) }
		all = append(all, applied{n("started"), n("stopped"), n("changed"), n("unchanged")})
	}
	return all
}
