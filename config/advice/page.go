package advice

import (
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// warnOfPage finds pages that more people see, or fewer may use, than is likely meant.
func (a *adviser) warnOfPage() {
	page, daemon := &a.config.Page, &a.config.Daemon
	if daemon.Listen == "" {
		return
	}
	operates := len(page.Operators) > 0
	for _, t := range page.Tokens {
		operates = operates || t.Right == config.TokenOperate
	}
	if page.HasLogin() && !operates && !a.written.NoOperators {
		a.warn(ruleNoOperators, a.written.Page, "People can log in, and nobody may test, acknowledge or silence: no user is an operator. Write operators = [...]; [] turns this warning off.")
	}
	if page.IsOpenAt(daemon.Listen) && daemon.PublicURL != "" {
		a.warn(rulePageOpen, a.written.Daemon, "public_url says that people reach the page from elsewhere, and all of them see everything: there is no users_file, no trusted_proxy that names users, and no oidc. Write one of them in page; see imapvigil-page(7).")
	}
}

// warnOfHistory finds databases that are larger than they may become, and figures for which
// too little is kept.
func (a *adviser) warnOfHistory() {
	h := a.config.History
	needs := a.historySize(h)
	if h.MaxSize > 0 && needs > h.MaxSize {
		a.warn(ruleHistorySize, a.written.History, "With these checks the history needs about %s, and max_size is %s: the oldest probes are deleted before detail is over. Set max_size%s.", decimal(needs), config.FormatSize(h.MaxSize), a.lessHistory(h, needs))
	}
	if needed, why := a.longestLook(); h.Incidents > 0 && h.Incidents < needed {
		a.warn(ruleShortHistory, a.written.History, "Incidents are kept for %q, and %s. Set incidents to more.", config.FormatDuration(h.Incidents), why)
	}
}

// What one check takes on disk, measured with two addresses and a probe each minute.
const (
	bytesAnHour      = 1250 // of its probes
	bytesOfEachHours = 1000 // of its 24 hours of a day
	bytesOfEachDay   = 50

	day = 24 * time.Hour
)

// historySize returns about how many bytes the history of all checks takes.
func (a *adviser) historySize(h config.History) int64 {
	sum := 0.0
	each := bytesOfEachHours*h.Hourly.Hours()/24 + bytesOfEachDay*h.Daily.Hours()/24
	for _, check := range a.config.Checks {
		if interval := check.Probe.Interval; check.Enabled && interval > 0 {
			sum += each + bytesAnHour*h.Detail.Hours()*float64(time.Minute)/float64(interval)
		}
	}
	return int64(sum)
}

// lessHistory returns how to need less, as the end of a sentence.
func (a *adviser) lessHistory(h config.History, needs int64) string {
	less := h
	less.Detail, less.Hourly = min(h.Detail, day), min(h.Hourly, 30*day)
	if size := a.historySize(less); size < needs {
		return fmt.Sprintf(" to more, or keep less: with detail = \"24h\" and hourly = \"30d\" about %s are needed", decimal(size))
	}
	return " to more"
}

// decimal returns a size as disks are sold.
func decimal(bytes int64) string {
	const megabyte, gigabyte = 1e6, 1e9
	switch {
	case bytes < gigabyte:
		return fmt.Sprintf("%.0f MB", float64(bytes)/megabyte)
	case bytes < 5*gigabyte:
		return fmt.Sprintf("%.1f GB", float64(bytes)/gigabyte)
	}
	return fmt.Sprintf("%.0f GB", float64(bytes)/gigabyte)
}

// longestLook returns how far back the figures look that the configuration asks for, and
// what asks for it.
func (a *adviser) longestLook() (back time.Duration, why string) {
	for _, r := range a.config.Reports {
		period := map[config.ReportPeriod]time.Duration{config.EveryWeek: 14 * day, config.EveryMonth: 62 * day, config.EveryQuarter: 184 * day}[r.Every]
		if period > back {
			back = period
			why = fmt.Sprintf("%s looks back %d days, since it compares with the period before", config.Reference("report", r.Name), int(period/day))
		}
	}
	for _, check := range a.config.Checks {
		if check.Policy.SLO > 0 && back < 30*day {
			return 30 * day, "the figures of an slo look back 30 days"
		}
	}
	return back, why
}

// warnOfPast finds announcements that nobody will see any more.
func (a *adviser) warnOfPast() {
	for _, n := range a.config.Announcements {
		if !a.written.Now.IsZero() && n.Until.Before(a.written.Now) {
			a.warn(rulePastAnnouncement, n.Pos, "This announcement is over, so nobody sees it. Remove it.")
		}
	}
}

// warnOfIdleCorrections finds corrections without effect: about no check, or about a time
// of which nothing is kept any more.
func (a *adviser) warnOfIdleCorrections() {
	if len(a.config.Corrections) == 0 {
		return
	}
	covered := map[config.Ref]bool{}
	for _, check := range a.config.Checks {
		covered[config.Ref{Check: check.ID}] = true
		covered[config.Ref{Server: check.Server}] = true
		for _, group := range check.Path {
			covered[config.Ref{Group: group}] = true
		}
	}
	for _, c := range a.config.Corrections {
		var idle []string
		for _, ref := range c.AppliesTo {
			if !covered[ref] {
				idle = append(idle, ref.String())
			}
		}
		switch kept := a.config.History.Incidents; {
		case len(idle) > 0:
			a.warn(ruleIdleCorrection, c.Pos, "There is no check in %s, so this changes nothing there.", strings.Join(idle, ", "))
		case !a.written.Now.IsZero() && c.End.Before(a.written.Now.Add(-kept)):
			a.warn(ruleIdleCorrection, c.Pos, "Incidents are kept for %q, so nothing of that time is left. Remove it.", config.FormatDuration(kept))
		}
	}
}
