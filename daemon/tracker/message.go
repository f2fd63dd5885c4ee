package tracker

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// message returns what a notifier needs to put a delivery into words: the incidents as
// they are now. Its key is that of the notification, on every attempt. Messages that are made together share what is
// found for them.
func (t *Tracker) message(d *outbox.Delivery, found *failingChildren) notifiers.Message {
	m := notifiers.Message{
		Key: string(d.Key), At: d.At, Role: string(d.NotifyID.Role), RoleLabel: t.roleLabels(d.AskedBy()), Monitor: t.Node,
		Settled: d.Settled(), Zone: t.cfg.ZoneFor(d.NotifyID.Role),
	}
	for _, item := range d.Items {
		// It only ends what waited to be told.
		if item.Unannounced {
			continue
		}
		// A damaged journal may have lost it.
		rec, ok := t.ledger.records[item.Incident]
		// Nor is what was acknowledged when this was decided, and is not any more, worth a word
		// beside what else the message tells.
		if !ok || item.Transition == notifiers.Acknowledged && !rec.incident.Acknowledged() {
			continue
		}
		in := t.describe(rec.incident, found)
		t.describeSuccessor(&in, &rec.incident)
		in.AcknowledgeURL = t.acknowledgeURL(rec.incident, d)
		if t.ButtonCode != nil && rec.incident.Open() && !rec.incident.Acknowledged() {
			in.AcknowledgeCode = t.ButtonCode(rec.incident.ID, d.NotifyID.Notifier)
		}
		m.Items = append(m.Items, notifiers.Item{
			Transition: item.Transition, Incident: in, OpeningUntold: item.Untold, Thread: t.book.Thread(item.Incident, d.Destination()),
		})
	}
	m.MentionSeverity = string(t.mentionSeverity(d))
	if len(m.Items) > 0 {
		m.Previous = m.Items[0].Thread.First
	}
	return m
}

// mentionSeverity returns the least of which a message mentions somebody, by the notify blocks that lead to its
// destination: the mildest, where several do.
func (t *Tracker) mentionSeverity(d *outbox.Delivery) (least config.Severity) {
	for _, role := range d.AskedBy() {
		r, ok := t.cfg.Roles[role]
		if !ok {
			continue
		}
		for i := range r.Notify {
			if !d.IsBy(&r.Notify[i]) {
				continue
			}
			if r.Notify[i].MentionSeverity != config.SeverityDown {
				return config.SeverityDegraded
			}
			least = config.SeverityDown
		}
	}
	return least
}

// LinkTime is how long the links of a message acknowledge, from when it was decided.
const LinkTime = 24 * time.Hour

// acknowledgeURL returns the link with which whoever is sent a delivery acknowledges an incident, the
// same on every attempt; empty: there is nothing to acknowledge, or no page to do it on.
func (t *Tracker) acknowledgeURL(in incident.Incident, d *outbox.Delivery) string {
	until := d.At.Add(LinkTime)
	if t.LinkToken == nil || t.cfg.Daemon.PublicURL == "" || !in.Open() || in.Acknowledged() || !time.Now().Before(until) {
		return ""
	}
	if token := t.LinkToken(in.ID, d.NotifyID.Role, until); token != "" {
		return t.pageURL("/a/" + url.PathEscape(token))
	}
	return ""
}

// pageURL returns the address of a path of the status page; empty: nobody has said where it is.
func (t *Tracker) pageURL(path string) string {
	if page := t.cfg.Daemon.PublicURL; page != "" {
		return strings.TrimSuffix(page, "/") + path
	}
	return ""
}

// roleLabels returns the names of roles as people call them.
func (t *Tracker) roleLabels(ids []config.RoleID) string {
	labels := make([]string, len(ids))
	for i, id := range ids {
		labels[i] = string(id)
		if role, ok := t.cfg.Roles[id]; ok && role.Label != "" {
			labels[i] = role.Label
		}
	}
	return strings.Join(labels, ", ")
}

// describe returns an incident as messages tell it.
func (t *Tracker) describe(in incident.Incident, found *failingChildren) notifiers.Incident {
	n := notifiers.Incident{
		ID: string(in.ID), Check: string(in.Check), Label: string(in.Check),
		Condition: string(in.Condition), Severity: string(in.Severity), State: string(in.Status()), ClosedAs: string(in.ClosedAs), HandedTo: in.HandedTo,
		HandedAs: string(in.HandedAs), HandedWell: in.HandedWell,
		Phase: in.Finding.Phase.String(), Cause: string(in.Finding.Cause), CauseText: in.Finding.Cause.Text(), Hint: in.Finding.Hint,
		Evidence: in.Finding.Evidence, Address: in.Finding.Address, Node: t.Node, From: in.Finding.From,
		StartedAt: in.StartedAt, AgainAt: again(in), ReportedAt: in.ReportedAt, EndedAt: in.EndedAt,
		Affected:        t.affected(in, found),
		Acknowledgement: notifiers.Acknowledgement{By: in.AckedBy, Reason: in.AckReason, Until: in.AckedUntil},
	}
	n.URL = t.pageURL("/i/" + string(in.ID))
	// As it was probed; the files may name another host by now.
	if host, port, err := net.SplitHostPort(in.Target); err == nil {
		n.Host = host
		n.Port, _ = strconv.Atoi(port)
	}
	if isTrouble(in.Check) {
		n.Label = "imapvigil itself"
	}
	if c, ok := t.cfg.Checks[in.Check]; ok {
		t.describeCheck(&n, c)
	}
	return n
}

// describeCheck adds what the files say of the check.
func (t *Tracker) describeCheck(n *notifiers.Incident, c *config.Check) {
	n.Label, n.Description, n.Runbook = c.Label, c.Description, c.Runbook
	n.Server, n.Security = string(c.Server), string(c.Probe.Security)
	if s, ok := t.cfg.Servers[c.Server]; ok {
		n.ServerLabel = s.Label
	}
	n.Groups = c.GroupNames()
	for i, id := range c.Path {
		label := n.Groups[i]
		if g, ok := t.cfg.Groups[id]; ok && g.Label != "" {
			label = g.Label
		}
		n.GroupLabels = append(n.GroupLabels, label)
	}
}

// again returns when a reopened incident last began; zero for one that never ended.
func again(in incident.Incident) time.Time {
	if in.FailingSince.Equal(in.StartedAt) {
		return time.Time{}
	}
	return in.FailingSince
}

// timeField returns a time as a field of the log, which a time that is not known is not.
func timeField(key string, at time.Time) zap.Field {
	if at.IsZero() {
		return zap.Skip()
	}
	return zap.Time(key, at)
}

// log writes an event to the log, under names that a search can use.
func (t *Tracker) log(e incident.Event) {
	level := zapcore.InfoLevel
	if e.Kind == incident.Opened || e.Kind == incident.Worsened {
		level = zapcore.WarnLevel
	}
	entry := t.Log.Check(level, "incident "+string(e.Kind))
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("check", string(e.Check)), zap.String("incident", string(e.Incident)),
		zap.String("condition", string(e.Condition)),
	}
	if f := e.Finding; f != nil {
		fields = append(fields, zap.String("phase", f.Phase.String()), zap.String("cause", string(f.Cause)),
			zap.String("hint", f.Hint), zap.Stringer("evidence", f.Evidence))
	}
	fields = append(fields, timeField("since", e.Since.Truncate(time.Millisecond)))
	if e.ClosedAs != "" {
		fields = append(fields, zap.String("closed_as", string(e.ClosedAs)))
	}
	if e.By != "" {
		fields = append(fields, zap.String("by", e.By))
	}
	if !e.Until.IsZero() {
		fields = append(fields, zap.Time("until", e.Until.Truncate(time.Second)))
	}
	entry.Write(fields...)
}
