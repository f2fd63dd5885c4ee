package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// hostName returns the name of this machine in results.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// printReports prints results; its exit code is that of the worst.
func (p *program) printReports(list []api.Report) error {
	if p.json {
		if err := p.printJSON(api.Reports{Checks: list}); err != nil {
			return err
		}
		return exit(worstHealth(list).ExitCode())
	}
	for i, r := range list {
		if i > 0 {
			p.printf("\n")
		}
		p.printReport(r)
	}
	if len(list) > 1 {
		p.printf("\n%s\n", countHealths(list))
	}
	return exit(worstHealth(list).ExitCode())
}

// worstHealth returns the health that the exit code is made of: down hides what could
// not be tested, which hides degraded.
func worstHealth(list []api.Report) incident.Health {
	for _, h := range []incident.Health{incident.Down, incident.Unknown, incident.Degraded} {
		for _, r := range list {
			if r.State == h {
				return h
			}
		}
	}
	return incident.OK
}

// countHealths returns how many results there are of each health, the best first.
func countHealths(list []api.Report) string {
	var parts []string
	for _, h := range []incident.Health{incident.OK, incident.Degraded, incident.Down, incident.Unknown} {
		n := 0
		for _, r := range list {
			if r.State == h {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, h))
		}
	}
	return plural(len(list), "check") + ": " + strings.Join(parts, ", ")
}

func (p *program) printReport(r api.Report) {
	title := r.ID
	if r.Label != r.ID {
		title += "  " + r.Label
	}
	p.printf("%s  %s\n", p.paint(string(r.State), strings.ToUpper(string(r.State))), title)
	p.printAddresses(r.Addresses)
	// It failed before there was an address, as when DNS does not know the name.
	if len(r.Addresses) == 0 && r.Phase != config.NoPhase {
		p.printf("  %s %-10s            %s\n", p.paint("down", "✗"), r.Phase, r.Cause)
	}
	for _, n := range r.Notes {
		p.printf("%s\n", p.fold("  ", strings.TrimSpace("note: "+n.Text+" "+n.Evidence.String())))
	}
	if !r.Evidence.IsZero() {
		p.printf("%s\n", p.fold("  ", "the server said: "+r.Evidence.String()))
	}
	if r.Hint != "" {
		p.printf("%s\n", p.fold("  ", "hint: "+r.Hint))
	}
}

// printAddresses prints conversations, and from where each was where several nodes had them.
func (p *program) printAddresses(list []api.AddressReport) {
	several := slices.ContainsFunc(list, func(a api.AddressReport) bool { return a.Node != list[0].Node })
	for _, a := range list {
		from := ""
		if several {
			from = " from " + a.Node
		}
		p.printf("  %s port %d%s\n", a.Address, a.Port, from)
		p.printPhases(a)
	}
}

// printPhases prints how long each phase of a conversation took, and what was seen of the server.
func (p *program) printPhases(a api.AddressReport) {
	for _, phase := range phasesOf(a) {
		took := a.Timings[phase]
		failed := phase == a.Phase && a.State != incident.OK
		switch {
		case failed:
			p.printf("    %s %-10s %10s  %s\n", p.paint(string(a.State), "✗"), phase, milliseconds(took), a.Cause)
		case took > 0:
			p.printf("    %s %-10s %10s\n", p.paint("ok", "✓"), phase, milliseconds(took))
		}
		if failed && a.State == incident.Down {
			break // what came after it was the end
		}
	}
	if total := a.Timings[config.WholeConversation]; total > 0 {
		p.printf("      %-10s %10s\n", config.WholeConversation.TimeKey(), milliseconds(total))
	}
	if a.TLS != nil {
		p.printTLS(*a.TLS)
	}
	if len(a.Capabilities) > 0 {
		p.printf("%s\n", p.fold("    ", "capabilities: "+strings.Join(a.Capabilities, " ")))
	}
}

func (p *program) printTLS(t api.TLSReport) {
	if t.Version != "" {
		p.printf("    %s, %s\n", t.Version, t.Cipher)
	}
	now := p.now()
	left := t.NotAfter.Sub(now)
	words := "expires in " + notifiers.Duration(left)
	if left >= 48*time.Hour {
		const day = 24 * 60 * 60 // a Duration ends at 292 years, a certificate may not
		words = fmt.Sprintf("expires in %d days", (t.NotAfter.Unix()-now.Unix())/day)
	}
	if left < 0 {
		words = "expired " + notifiers.Duration(-left) + " ago"
	}
	p.printf("%s\n", p.fold("    ", fmt.Sprintf("certificate %s, issued by %s, %s (%s)", t.Subject, t.Issuer, words, p.formatTime(t.NotAfter))))
}

// milliseconds writes how long a phase took; "" for one that was not reached.
func milliseconds(took time.Duration) string {
	if took <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", float64(took)/float64(time.Millisecond))
}

// phasesOf lists the phases in the order in which the conversation went through
// them: with STARTTLS, TLS comes after the greeting and the capabilities.
func phasesOf(a api.AddressReport) []config.Phase {
	list := slices.Collect(config.Phases())
	t := a.Timings
	if t[config.PhaseStartTLS] > 0 || a.Phase == config.PhaseStartTLS || t[config.PhaseGreeting] > 0 && t[config.PhaseTLS] <= 0 {
		list = slices.DeleteFunc(list, func(p config.Phase) bool { return p == config.PhaseTLS })
		list = slices.Insert(list, slices.Index(list, config.PhaseStartTLS)+1, config.PhaseTLS)
		return list
	}
	return slices.DeleteFunc(list, func(p config.Phase) bool { return p == config.PhaseStartTLS })
}

// nagios are the words of the monitoring plugins' guidelines.
var nagios = map[incident.Health]string{
	incident.OK: "OK", incident.Degraded: "WARNING", incident.Down: "CRITICAL", incident.Unknown: "UNKNOWN",
}

// printNagios writes one status line with performance data, as the plugins
// guidelines of monitoring-plugins.org have it.
func (p *program) printNagios(list []api.Report, checks []*config.Check) error {
	state := worstHealth(list)
	text := countHealths(list)
	if len(list) == 1 {
		text = list[0].Label
		if list[0].Cause != "" {
			text = fmt.Sprintf("%s: %s %s: %s", list[0].Label, list[0].Phase, list[0].Cause, list[0].Hint)
		}
	}
	var perf []string
	for i, r := range list {
		for _, a := range r.Addresses {
			perf = append(perf, performanceData(r.ID+"@"+a.Address, a.Timings, checks[i].Probe.Thresholds)...)
		}
	}
	p.printNagiosLine(state, text, perf)
	return exit(state.ExitCode())
}

// performanceData returns how long the conversation with an address took, and each of its
// phases that has a threshold, above which the check is degraded: a warning.
func performanceData(name string, took api.TimingsReport, thresholds config.PhaseTimes) (list []string) {
	// 'label'=value[unit];warn;crit;min (monitoring-plugins.org, "Performance data").
	add := func(label string, p config.Phase) {
		warn := ""
		if limit := thresholds[p]; limit > 0 {
			warn = strconv.FormatFloat(limit.Seconds(), 'f', -1, 64)
		}
		list = append(list, fmt.Sprintf("'%s'=%.6fs;%s;;0", label, took[p].Seconds(), warn))
	}
	if took[config.WholeConversation] > 0 {
		add(name, config.WholeConversation)
	}
	for p := range config.Phases() {
		if thresholds[p] > 0 && took[p] > 0 {
			add(name+" "+p.String(), p)
		}
	}
	return list
}

// printNagiosLine prints the line of a plugin. A bar divides the text from the
// performance data and a line end ends both, so the text must have neither.
func (p *program) printNagiosLine(state incident.Health, text string, perf []string) {
	line := "IMAP " + nagios[state] + " - " + strings.NewReplacer("|", "/", "\n", " ").Replace(text)
	if len(perf) > 0 {
		line += " | " + strings.Join(perf, " ")
	}
	p.printf("%s\n", line)
}
