package pages

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// messagesStage is a daemon with messages in each state.
func messagesStage(t *testing.T) *stage {
	t.Helper()
	p := newPlan()
	p.check("mx1", "imaps", "IMAP over TLS")
	p.check("mx2", "imaps", "IMAP over TLS")
	var w written
	open := func(id incident.ID, check config.CheckID, ago time.Duration) {
		for _, e := range []incident.Event{
			{Kind: incident.Failing, At: begin.Add(-ago - 3*time.Minute)}, {Kind: incident.Opened, At: begin.Add(-ago)},
		} {
			e.Incident, e.Check, e.Condition, e.Finding, e.Since, e.Target = id, check, config.ConditionService, &refusedFinding, begin.Add(-ago-3*time.Minute), "mx:993"
			w.add(t, "incident."+string(e.Kind), e.At, e)
		}
	}
	open("k3q9w2m7tx", "mx1/imaps", 50*time.Minute)
	open("p8d4r6v1zb", "mx2/imaps", 30*time.Minute)
	tell := func(key outbox.Key, notifier config.NotifierID, target string, ago time.Duration, o outbox.Outcome, in ...incident.ID) {
		n := outbox.Notification{Key: key, At: begin.Add(-ago), Kind: notifiers.Kind("email"), NotifyID: config.NotifyID{Role: "it_team", Notifier: notifier, Target: target}}
		for _, id := range in {
			n.Items = append(n.Items, outbox.Item{Incident: id, Transition: notifiers.Opened, Episode: 1})
		}
		w.add(t, "telling", n.At, n)
		if o.State != "" {
			o.Key, o.At = key, n.At.Add(20*time.Second)
			w.add(t, "outcome", o.At, o)
		}
	}
	tell("iv_1", "email.mailroom", "it@example.org", 49*time.Minute, outbox.Outcome{State: outbox.Sent, Attempts: 2, Receipt: notifiers.Receipt{Answer: opaque.Sanitise("250 2.0.0 queued as 4Xk1")}}, "k3q9w2m7tx")
	tell("iv_2", "slack.ops", "#mail", 48*time.Minute, outbox.Outcome{State: outbox.Dead, Attempts: 3, Error: opaque.Sanitise("token_revoked <b>\x1b[31m\u202e")}, "k3q9w2m7tx", "p8d4r6v1zb")
	tell("iv_3", "slack.ops", "#all", 47*time.Minute, outbox.Outcome{State: outbox.Dead, Attempts: 3, Error: opaque.Sanitise("token_revoked"), DismissedAt: begin.Add(-time.Minute), DismissedBy: "anna"}, "k3q9w2m7tx")
	tell("iv_4", "sms.twilio", "+15550100", 29*time.Minute, outbox.Outcome{State: outbox.Retrying, Attempts: 4, NextAt: begin.Add(5 * time.Minute), Error: opaque.Sanitise("connect: no route to host")}, "p8d4r6v1zb")
	return newStage(t, p.Config, w, badProbe("mx1/imaps", refusedFinding, 4), badProbe("mx2/imaps", refusedFinding, 4))
}

// certificatesStage is a daemon whose servers show several certificates: one has expired, one is
// for another name, one ends soon.
func certificatesStage(t *testing.T) *stage {
	t.Helper()
	p := newPlan()
	var probes []incident.Result
	show := func(server config.ServerID, sum, name string, days int, f *incident.Finding) {
		id := p.check(server, "imaps", "IMAP over TLS").ID
		r := wellProbe(id)
		for i := range r.Addresses {
			seen := *r.Addresses[i].TLS
			seen.SHA256, seen.Subject, seen.NotAfter = sum, "CN="+name+", O=Example", begin.AddDate(0, 0, days)
			r.Addresses[i].TLS = &seen
		}
		if f != nil {
			r.Findings = []incident.Finding{*f}
		}
		probes = append(probes, r)
	}
	fault := func(cause config.Cause, health incident.Health) *incident.Finding {
		condition := config.ConditionService
		if cause == config.CauseCertExpiresSoon {
			condition = config.ConditionCertificate
		}
		return &incident.Finding{Condition: condition, Health: health, Phase: config.PhaseTLS, Cause: cause, Hint: "See the manual."}
	}
	show("a", "a1", "mail.example.org", 80, nil)
	show("b", "a1", "mail.example.org", 80, nil)
	show("c", "c1", "imap.acme.example", 6, fault(config.CauseCertExpiresSoon, incident.Degraded))
	show("d", "d1", "old.example.net", -3, fault(config.CauseCertExpired, incident.Down))
	show("e", "e1", "<script>alert(1)</script>", 200, fault(config.CauseNameMismatch, incident.Down))
	return newStage(t, p.Config, nil, probes...)
}
