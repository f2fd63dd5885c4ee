package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// reports is what `test --json` prints.
type reports struct {
	Checks []incident.Report `json:"checks"`
}

// node is the name of this machine in results.
func node() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// printReports shows results, and ends with the code of the worst.
func (p *program) printReports(list []incident.Report) error {
	if p.json {
		if err := p.printJSON(reports{list}); err != nil {
			return err
		}
		return exit(worst(list).ExitCode())
	}
	for i, r := range list {
		if i > 0 {
			p.printf("\n")
		}
		p.printReport(r)
	}
	if len(list) > 1 {
		p.printf("\n%s\n", tally(list))
	}
	return exit(worst(list).ExitCode())
}

// worst: down hides what could not be tested, which hides degraded.
func worst(list []incident.Report) incident.Health {
	for _, h := range []incident.Health{incident.Down, incident.Unknown, incident.Degraded} {
		for _, r := range list {
			if r.State == h {
				return h
			}
		}
	}
	return incident.OK
}

func tally(list []incident.Report) string {
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

func (p *program) printReport(r incident.Report) {
	title := r.ID
	if r.Label != r.ID {
		title += "  " + r.Label
	}
	p.printf("%s  %s\n", p.paint(string(r.State), strings.ToUpper(string(r.State))), title)
	for _, a := range r.Addresses {
		p.printAddress(a)
	}
	if len(r.Addresses) == 0 && r.Phase != "" {
		p.printf("  %s %-10s            %s\n", p.paint("down", "✗"), r.Phase, r.Cause)
	}
	for _, n := range r.Notes {
		p.printf("%s\n", fold("  ", strings.TrimSpace("note: "+n.Text+" "+n.Evidence.String())))
	}
	if !r.Evidence.IsZero() {
		p.printf("%s\n", fold("  ", "the server said: "+r.Evidence.String()))
	}
	if r.Hint != "" {
		p.printf("%s\n", fold("  ", "hint: "+r.Hint))
	}
}

func (p *program) printAddress(a incident.AddressReport) {
	p.printf("  %s port %d\n", a.Address, a.Port)
	for _, row := range phases(a) {
		failed := row.phase == a.Phase && a.State != incident.OK
		switch {
		case failed:
			p.printf("    %s %-10s %10s  %s\n", p.paint(string(a.State), "✗"), row.phase, row.took(), a.Cause)
		case row.ms != nil:
			p.printf("    %s %-10s %10s\n", p.paint("ok", "✓"), row.phase, row.took())
		}
		if failed && a.State == incident.Down {
			break // what came after it was the end
		}
	}
	if a.Timings.Total != nil {
		p.printf("      %-10s %10s\n", "total", phaseRow{ms: a.Timings.Total}.took())
	}
	if a.TLS != nil {
		p.printTLS(*a.TLS)
	}
	if len(a.Capabilities) > 0 {
		p.printf("%s\n", fold("    ", "capabilities: "+strings.Join(a.Capabilities, " ")))
	}
}

func (p *program) printTLS(t incident.TLSReport) {
	if t.Version != "" {
		p.printf("    %s, %s\n", t.Version, t.Cipher)
	}
	left := time.Until(t.NotAfter)
	words := "expires in " + notifiers.Duration(left)
	if left >= 48*time.Hour {
		const day = 24 * 60 * 60 // a Duration ends at 292 years, a certificate may not
		words = fmt.Sprintf("expires in %d days", (t.NotAfter.Unix()-time.Now().Unix())/day)
	}
	if left < 0 {
		words = "expired " + notifiers.Duration(-left) + " ago"
	}
	p.printf("%s\n", fold("    ", fmt.Sprintf("certificate %s, issued by %s, %s (%s)", t.Subject, t.Issuer, words, stamp(t.NotAfter))))
}

// A phaseRow is one line of the table of phases.
type phaseRow struct {
	phase incident.Phase
	ms    *float64
}

func (r phaseRow) took() string {
	if r.ms == nil {
		return ""
	}
	return fmt.Sprintf("%.1f ms", *r.ms)
}

// phases are in the order in which the conversation went through them: with
// STARTTLS, TLS comes after the greeting and the capabilities.
func phases(a incident.AddressReport) []phaseRow {
	t := a.Timings
	tls := phaseRow{incident.PhaseTLS, t.TLS}
	rows := []phaseRow{{incident.PhaseDNS, t.DNS}, {incident.PhaseConnect, t.Connect}}
	late := t.StartTLS != nil || a.Phase == incident.PhaseStartTLS || t.Greeting != nil && t.TLS == nil
	if !late {
		rows = append(rows, tls)
	}
	rows = append(rows, phaseRow{incident.PhaseGreeting, t.Greeting}, phaseRow{incident.PhaseCapability, t.Capability})
	if late {
		rows = append(rows, phaseRow{incident.PhaseStartTLS, t.StartTLS}, tls)
	}
	return append(rows,
		phaseRow{incident.PhaseLogin, t.Login},
		phaseRow{incident.PhaseSelect, t.Select}, phaseRow{incident.PhaseLogout, t.Logout})
}

// nagios are the words of the monitoring plugins' guidelines.
var nagios = map[incident.Health]string{
	incident.OK: "OK", incident.Degraded: "WARNING", incident.Down: "CRITICAL", incident.Unknown: "UNKNOWN",
}

// printNagios writes one status line with performance data, as the plugins
// guidelines of monitoring-plugins.org have it.
func (p *program) printNagios(list []incident.Report) error {
	state := worst(list)
	text := tally(list)
	if len(list) == 1 {
		text = list[0].Label
		if list[0].Cause != "" {
			text = fmt.Sprintf("%s: %s %s: %s", list[0].Label, list[0].Phase, list[0].Cause, list[0].Hint)
		}
	}
	var perf []string
	for _, r := range list {
		for _, a := range r.Addresses {
			if a.Timings.Total != nil {
				perf = append(perf, fmt.Sprintf("'%s@%s'=%.6fs;;;0", r.ID, a.Address, *a.Timings.Total/1000))
			}
		}
	}
	p.printNagiosLine(state, text, perf)
	return exit(state.ExitCode())
}

// printNagiosLine: a bar divides the text from the performance data, a line end
// ends both.
func (p *program) printNagiosLine(state incident.Health, text string, perf []string) {
	line := "IMAP " + nagios[state] + " - " + strings.NewReplacer("|", "/", "\n", " ").Replace(text)
	if len(perf) > 0 {
		line += " | " + strings.Join(perf, " ")
	}
	p.printf("%s\n", line)
}
