package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A Step is how long one step of the incidents took.
type Step struct{ Name, Median, Worst, Count string }

func steps(s api.Steps) (list []Step) {
	for _, one := range []struct {
		name string
		api.Spread
	}{
		{"from the first failure until it was reported", s.Notice},
		{"from the report until the first message was sent", s.Told},
		{"from the report until somebody acknowledged it", s.Acknowledge},
		{"from the first failure until the service worked again", s.Repair},
	} {
		if one.Count > 0 {
			list = append(list, Step{one.name, atLeastASecond(*one.Median), atLeastASecond(*one.Worst), fmt.Sprint(one.Count)})
		}
	}
	return list
}

// atLeastASecond writes the length of a step that was taken.
func atLeastASecond(seconds float64) string {
	if seconds < 1 {
		return "< 1 s"
	}
	return length(seconds)
}

// An Incident is a row of the table of incidents.
type Incident struct{ Check, Started, What, Noticed, Told, Acknowledged, Repaired string }

func (w *writer) incidents() (list []Incident) {
	for i := range w.report.Incidents {
		in := &w.report.Incidents[i]
		v := Incident{Check: w.checkName(in.Check), Started: w.minute(in.StartedAt), What: w.what(in), Noticed: since(in.StartedAt, &in.ReportedAt)}
		v.Repaired = "goes on"
		if in.EndedAt != nil {
			v.Repaired = since(in.StartedAt, in.EndedAt)
		}
		v.Told, v.Acknowledged = since(in.ReportedAt, in.ToldAt), since(in.ReportedAt, in.AcknowledgedAt)
		list = append(list, v)
	}
	return list
}

// what says what was wrong: in public only how bad it was.
func (w *writer) what(in *api.ReportIncident) string {
	if w.Public {
		return string(in.Severity)
	}
	if text := in.Cause.Text(); text != "" {
		return text
	}
	return string(in.Condition)
}

func since(from time.Time, to *time.Time) string {
	if to == nil {
		return Nothing
	}
	return atLeastASecond(to.Sub(from).Seconds())
}

// A Certificate is one that ends soon.
type Certificate struct{ Check, Subject, Ends string }

func (w *writer) certificates() (list []Certificate) {
	for _, c := range w.report.Certificates {
		v := Certificate{Check: w.checkName(c.Check), Subject: c.Subject, Ends: w.minute(c.NotAfter)}
		if w.Public {
			v.Subject = "" // it names hosts
		}
		list = append(list, v)
	}
	return list
}

// A Correction is a row of the table of corrections.
type Correction struct{ Name, Of, Span, As, Reason, Before, After string }

func (w *writer) corrections() (list []Correction) {
	for i := range w.report.Corrections {
		c := &w.report.Corrections[i]
		v := Correction{
			Name: c.Name, Of: strings.Join(c.AppliesTo, ", "), Span: w.minute(c.From) + " to " + w.minute(c.To),
			As: string(c.CountAs), Reason: c.Reason, Before: availability.Percent(c.Before), After: availability.Percent(c.After),
		}
		if w.Public {
			v.Name, v.Of = "", plural(c.Checks, "check", "checks")
		}
		list = append(list, v)
	}
	return list
}
