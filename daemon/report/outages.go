package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

const (
	// longOutage is from how long on an outage has a sentence of its own.
	longOutage = 10 * time.Minute
	// together is how long after the first of them another outage may begin and be told in the
	// same sentence: what fails for one reason fails within a few probes.
	together = 10 * time.Minute
	// mostSentences keeps the first page a page.
	mostSentences = 25
)

// outages returns a sentence for each outage of more than ten minutes, and one for the others.
func (w *writer) outages() (sentences []string, others string) {
	var clusters [][]*api.Outage
	short := 0
	for i := range w.report.Outages {
		o := &w.report.Outages[i]
		if o.To.Sub(o.From) <= longOutage {
			short++
			continue
		}
		if n := len(clusters); n > 0 && o.From.Sub(clusters[n-1][0].From) <= together {
			clusters[n-1] = append(clusters[n-1], o)
			continue
		}
		clusters = append(clusters, []*api.Outage{o})
	}
	for _, c := range clusters[:min(len(clusters), mostSentences)] {
		sentences = append(sentences, w.outage(c))
	}
	if more := len(clusters) - mostSentences; more > 0 {
		sentences = append(sentences, fmt.Sprintf("%s more; all of them are in the table of incidents.", plural(more, "outage", "outages")))
	}
	switch {
	case short > 0:
		others = plural(short, "outage was", "outages were") + " not longer than 10 minutes."
	case len(clusters) == 0:
		others = "No outage was seen."
	}
	return sentences, others
}

// outage returns the sentence of outages that began together.
func (w *writer) outage(list []*api.Outage) string {
	longest, until := list[0], list[0].To
	cause, goesOn := list[0].Cause, false
	for _, o := range list {
		if o.To.Sub(o.From) > longest.To.Sub(longest.From) {
			longest = o
		}
		if o.To.After(until) {
			until = o.To
		}
		if o.Cause != cause {
			cause = ""
		}
		goesOn = goesOn || o.Ongoing
	}
	who, verb, upTo := w.checkName(list[0].Check), "was", ""
	if len(list) > 1 {
		who, verb, upTo = w.several(list), "were", "up to "
	}
	end := w.minute(until)
	if from := list[0].From.In(w.Zone); from.Format(time.DateOnly) == until.In(w.Zone).Format(time.DateOnly) {
		end = until.In(w.Zone).Format("15:04 MST")
	}
	begin := list[0].From.In(w.Zone).Format("2006-01-02 15:04")
	text := fmt.Sprintf("%s %s down for %s%s, from %s to %s", who, verb, upTo, words(longest.To.Sub(longest.From)), begin, end)
	if goesOn {
		text = fmt.Sprintf("%s %s down since %s", who, strings.Replace(strings.Replace(verb, "were", "are", 1), "was", "is", 1), w.minute(list[0].From))
	}
	if reason := cause.Text(); reason != "" && !w.Public {
		text += ": " + reason
	}
	return text + "."
}

// several names checks by the deepest group that all of them are in.
func (w *writer) several(list []*api.Outage) string {
	seen := map[config.CheckID]bool{}
	var common []string
	for i, o := range list {
		seen[o.Check] = true
		var path []string
		if c, ok := w.checks[o.Check]; ok {
			path = c.Groups
		}
		if i == 0 {
			common = path
		}
		common = commonStart(common, path)
	}
	if len(common) == 0 || len(seen) == 1 {
		if len(seen) == 1 {
			return w.checkName(list[0].Check)
		}
		return ofAll(len(seen), len(w.checks))
	}
	id := config.GroupID(strings.Join(common, "/"))
	for i := range w.report.Groups {
		// A visitor of some groups only sees paths that begin with one of these.
		if g := &w.report.Groups[i]; g.ID == id || strings.HasSuffix(string(g.ID), "/"+string(id)) {
			return ofAll(len(seen), g.Checks) + " of " + w.groupName(g.ID)
		}
	}
	return fmt.Sprintf("%d checks of %s", len(seen), id)
}

func commonStart(a, b []string) []string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// ofAll says how many of some checks are meant.
func ofAll(n, all int) string {
	switch {
	case n != all:
		return fmt.Sprintf("%d of %d checks", n, all)
	case n == 2:
		return "Both checks"
	default:
		return fmt.Sprintf("All %d checks", n)
	}
}
