package report

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A Promise is what became of what was promised.
type Promise struct {
	Word     string // "kept", "missed", "not proven": the worst; empty: nothing was promised
	Sentence string
	// Counts says for how many checks which, where it is not the same for all.
	Counts string
}

// promise says what became of all promises of some checks.
func (w *writer) promise(p api.Promises) Promise {
	if p.Count() == 0 {
		return Promise{Sentence: "No availability is promised for these checks (slo)."}
	}
	parts := []string{}
	for _, part := range []struct {
		n    int
		word string
	}{{p.Kept, "kept for"}, {p.Missed, "missed for"}, {p.NotProven, "not proven for"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", part.word, part.n))
		}
	}
	v := Promise{Word: strings.ReplaceAll(string(worstVerdict(p)), "_", " "), Counts: strings.Join(parts, ", ")}
	what := "An availability"
	if p.Objective != nil {
		what = objective(*p.Objective)
	}
	became := "It was"
	if w.report.Until != nil {
		became = "So far it is"
	}
	counts := v.Counts
	if len(parts) == 1 {
		counts, v.Counts = v.Word, ""
		switch {
		case p.Count() > 1 && p.NotProven > 0:
			counts += " for any of them"
		case p.Count() > 1:
			counts += " for all of them"
		}
	}
	v.Sentence = fmt.Sprintf("%s is promised for %s. %s %s.", what, plural(p.Count(), "check", "checks"), became, counts)
	return v
}

// objective writes a promise: as many decimals as it has.
func objective(ratio float64) string {
	text := fmt.Sprintf("%.6f", ratio*100)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + " %"
}

func worstVerdict(p api.Promises) availability.Verdict {
	switch {
	case p.Missed > 0:
		return availability.Missed
	case p.NotProven > 0:
		return availability.NotProven
	case p.Kept > 0:
		return availability.Kept
	}
	return ""
}
