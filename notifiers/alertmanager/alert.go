package alertmanager

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// An alert is a postableAlert of Alertmanager's API v2 (its openapi.yaml).
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Alertmanager names no limits. These keep one alert well below the megabyte that proxies let
// through.
const (
	maxLabel      = 1_000 // bytes
	maxAnnotation = 4_000 // bytes
	keepFiring    = 4     // times resend without a word until an alert counts as resolved, as Prometheus does
	testLasts     = time.Minute
)

// A composer makes alerts of messages.
type composer struct {
	target Target
	resend time.Duration
	now    time.Time
}

// test returns the alert of a test message, which resolves itself.
func (c composer) test(m notifiers.Message) []alert {
	labels := c.labels(map[string]string{
		"alertname": "ImapvigilTest", "severity": "info", "instance": m.Monitor, "incident": "imapvigil/" + m.Key,
	})
	return []alert{{
		Labels: labels, Annotations: annotations(map[string]string{"summary": m.Headline(), "description": m.TestText()}),
		StartsAt: c.now.UTC(), EndsAt: c.now.Add(testLasts).UTC(),
	}}
}

// alerts returns what a message says in alerts, and the thread by which the next message
// knows it. A severity is a label, and labels are what an alert is: with another severity it is
// another alert, and the one before is resolved beside it. again says that the message
// repeats what was told, so that it must not tell a severity that was not told.
func (c composer) alerts(m notifiers.Message, again bool) (list []alert, thread string) {
	m.Zone = nil // programs get UTC
	item := m.Items[0]
	now := severityOf(item.Incident)
	before, known := parseThread(item.Thread.Last.Thread)
	if item.Ends() {
		list = append(list, c.alert(m, now, item.Incident.EndedAt))
		// Also the one whose answer was lost when the severity changed.
		if known && before.severity != now {
			list = append(list, c.alert(m, before.severity, item.Incident.EndedAt))
		}
		return list, told{resolved, now}.String()
	}
	switch {
	case again && known:
		now = before.severity
	case known && before.state == firing && before.severity != now:
		list = append(list, c.alert(m, before.severity, c.now))
	}
	return append(list, c.alert(m, now, c.now.Add(keepFiring*c.resend))), told{firing, now}.String()
}

// alert returns the alert about the incident of a message with a severity.
func (c composer) alert(m notifiers.Message, severity string, ends time.Time) alert {
	in := m.Items[0].Incident
	if m.Items[0].Ends() {
		in.Hint = "" // there is nothing to do
	}
	starts := cmp.Or(in.AgainAt, in.StartedAt, m.At)
	// An end before the start is refused; a clock may have been set back in between.
	if ends.Before(starts) {
		ends = starts
	}
	instance := ""
	if in.Host != "" {
		instance = net.JoinHostPort(in.Host, strconv.Itoa(in.Port))
	}
	return alert{
		// None of these changes while the incident is open.
		Labels: c.labels(map[string]string{
			"alertname": alertName(in.Condition), "check": in.Check, "server": in.Server, "group": strings.Join(in.Groups, "/"),
			"condition": in.Condition, "instance": instance, "severity": severity, "incident": "imapvigil/" + in.ID,
		}),
		Annotations: annotations(map[string]string{
			"summary": m.Items[0].Headline(m.At), "description": describe(m), "runbook_url": in.Runbook,
			"cause": cmp.Or(in.CauseText, in.Cause), "hint": in.Hint,
			// Alertmanager puts it into chats as it is, where it must not call anybody.
			"evidence": fit.Defang(in.Evidence.String()),
		}),
		StartsAt: starts.UTC(), EndsAt: ends.UTC(), GeneratorURL: in.URL,
	}
}

// alertName returns the alertname of a condition: "ImapService".
func alertName(condition string) string {
	if condition == "" {
		return "Imap"
	}
	return "Imap" + strings.ToUpper(condition[:1]) + condition[1:]
}

// severityOf returns the severity of an incident in the words that Alertmanager's users have.
func severityOf(in notifiers.Incident) string {
	if in.Severity == "down" {
		return "critical"
	}
	return "warning"
}

// describe returns the facts of a message in lines, without those that are annotations of their
// own or known from its times, and without the link that lets whoever has it acknowledge: many see an alert.
func describe(m notifiers.Message) string {
	// How long it lasts would be the time of the message, which is repeated for hours.
	own := []string{"Since", "Hint", "Runbook", "More", "Acknowledge"}
	var lines []string
	for _, fact := range m.Facts(m.Items[0]) {
		if fact.Kind != notifiers.Quote && !slices.Contains(own, fact.Name) {
			lines = append(lines, fmt.Sprintf("%s: %s", fact.Name, fact.Text))
		}
	}
	return strings.Join(lines, "\n")
}

// labels completes the labels of an alert. One that is empty is none.
func (c composer) labels(all map[string]string) map[string]string {
	all["job"] = "imapvigil"
	for name, text := range notifiers.SplitMap(c.target.Labels) {
		all[name] = text
	}
	for name, text := range all {
		if all[name] = opaque.Bounded(text, maxLabel); all[name] == "" {
			delete(all, name)
		}
	}
	return all
}

// annotations returns those that say something, made harmless line by line.
func annotations(all map[string]string) map[string]string {
	for name, text := range all {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			lines[i] = opaque.Bounded(line, maxAnnotation)
		}
		if all[name] = fit.Bytes.Cut(strings.Join(lines, "\n"), maxAnnotation); all[name] == "" {
			delete(all, name)
		}
	}
	return all
}

// What an alert was when it was told.
const (
	firing   = "firing"
	resolved = "resolved"
)

// A told is what Alertmanager was told last of an incident.
type told struct{ state, severity string }

func (t told) String() string { return t.state + "/" + t.severity }

var threadForm = regexp.MustCompile(`^(firing|resolved)/(critical|warning)$`)

// parseThread reads what [told.String] wrote, which has been in a file since.
func parseThread(text string) (told, bool) {
	parts := threadForm.FindStringSubmatch(text)
	if parts == nil {
		return told{}, false
	}
	return told{parts[1], parts[2]}, true
}
