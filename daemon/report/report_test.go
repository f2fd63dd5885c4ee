package report_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/report"
	"github.com/imapvigil/imapvigil/notifiers"
)

// october is the report that daemon/api makes of a month.
func october(t testing.TB) *api.PeriodReport {
	t.Helper()
	text, err := os.ReadFile("../api/testdata/period_report.json")
	if err != nil {
		t.Fatal(err)
	}
	r := &api.PeriodReport{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func options(t testing.TB, public bool) report.Options {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return report.Options{Zone: zone, Public: public}
}

// TestHTML is the report of a month as people get it, for all and for the public.
func TestHTML(t *testing.T) {
	t.Parallel()
	for name, public := range map[string]bool{"report": false, "public": true} {
		text, err := report.HTML(october(t), options(t, public))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name+".html", string(text))
		for _, foreign := range []string{"http:", "https:", "<script", "ZgotmplZ", "url(//"} {
			if strings.Contains(string(text), foreign) {
				t.Errorf("%s has %q", name, foreign)
			}
		}
		if left := secretsIn(string(text)); public && left != "" {
			t.Errorf("the public report has %q", left)
		}
	}
}

// secretsIn returns what of the fleet has no place in public: ids, causes, servers, hosts.
func secretsIn(text string) string {
	for _, secret := range []string{"mx1", "mx2", "mx10", "acme/", "europe", "aa01", "connection refused", "refused", "example.org.", "fibre", "imap_check"} {
		if strings.Contains(text, secret) {
			return secret
		}
	}
	return ""
}

func TestCSV(t *testing.T) {
	t.Parallel()
	r := october(t)
	for i, label := range []string{"=1+1", "+49 30", "-2", "@SUM(A1)"} {
		r.Checks[i].Label = label
	}
	text, err := report.CSV(r, options(t, false))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/report.csv", strings.ReplaceAll(string(text), "\r\n", "\n"))
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(rows) != 5 || !strings.HasSuffix(string(text), "\r\n") {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		if len(row) != len(rows[0]) || !strings.HasPrefix(row[1], "'") {
			t.Errorf("a spreadsheet would calculate %q", row)
		}
	}
	public, err := report.CSV(october(t), options(t, true))
	if left := secretsIn(string(public)); err != nil || left != "" {
		t.Errorf("the public CSV has %q, %v", left, err)
	}
}

// TestHostileLabels keeps what people and servers write from becoming markup.
func TestHostileLabels(t *testing.T) {
	t.Parallel()
	r := october(t)
	const hostile = `</td><script>alert(1)</script>"'&`
	r.Title, r.Checks[0].Label, r.Checks[1].ID, r.Groups[0].Label = hostile, hostile, hostile, hostile
	r.Certificates[0].Subject, r.Corrections[0].Reason, r.Corrections[0].AppliesTo[0] = hostile, hostile, hostile
	text, err := report.HTML(r, options(t, false))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "<script") || !strings.Contains(string(text), "&lt;script&gt;") {
		t.Error("what people write is not escaped")
	}
}

// TestIncompleteHistory is said before the figures.
func TestIncompleteHistory(t *testing.T) {
	t.Parallel()
	r := october(t)
	since, coverage := time.Date(2026, 10, 13, 22, 0, 0, 0, time.UTC), 0.61
	r.CompleteSince, r.Total.Coverage = &since, &coverage
	v := report.NewView(r, options(t, false))
	want := "This report is incomplete: the history begins 2026-10-14 00:00 CEST. What was before counts as unknown; 61.00 % of the period was seen."
	if len(v.Notices) == 0 || v.Notices[0] != want {
		t.Errorf("%q", v.Notices)
	}
}

// Of several nodes a report names those that are missing in it, unless it is for the public.
func TestNodesThatDidNotAnswer(t *testing.T) {
	t.Parallel()
	r := october(t)
	r.Nodes = []api.NodePast{{Node: "fra1", Location: "frankfurt"}, {Node: "nyc1", Location: "new-york", Missing: "did not answer"}}
	v := report.NewView(r, options(t, false))
	if !slices.Contains(v.Notices, "nyc1 did not answer. What only that node saw is missing here.") {
		t.Errorf("%q", v.Notices)
	}
	if n := len(v.Figures); !strings.HasPrefix(v.Figures[n-1], "Several nodes probe.") {
		t.Errorf("%q", v.Figures)
	}
	if v = report.NewView(r, options(t, true)); strings.Contains(strings.Join(v.Notices, " "), "nyc1") || !slices.Contains(v.Notices, "Not all that was seen is in these figures.") {
		t.Errorf("the public is told %q", v.Notices)
	}
}

// TestOutagesInSentences has one for what began together, and counts the short ones.
func TestOutagesInSentences(t *testing.T) {
	t.Parallel()
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 10, day, hour, minute, 0, 0, time.UTC) }
	r := october(t)
	r.Outages = []api.Outage{
		{Check: "mx1/imaps", From: at(14, 0, 30), To: at(14, 1, 10), Cause: config.CauseRefused},
		{Check: "mx2/imaps", From: at(14, 0, 32), To: at(14, 0, 47), Cause: config.CauseRefused},
		{Check: "mx2/imaps", From: at(15, 0, 32), To: at(15, 0, 37)},
		{Check: "mx10/imaps", From: at(16, 20, 0), To: at(17, 1, 30), Cause: config.CauseTimeout},
		{Check: "acme/imaps", From: at(18, 20, 0), To: at(18, 20, 11), Cause: config.CauseTimeout},
		{Check: "mx10/imaps", From: at(18, 20, 4), To: at(18, 23, 0), Cause: config.CauseReset},
		{Check: "acme/imaps", From: at(20, 20, 0), To: at(31, 23, 0), Ongoing: true},
	}
	v := report.NewView(r, options(t, false))
	golden.Compare(t, "testdata/outages.txt", strings.Join(append(v.Outages, v.Short), "\n")+"\n")
	r.Outages = nil
	if v := report.NewView(r, options(t, false)); len(v.Outages) != 0 || v.Short != "No outage was seen." {
		t.Errorf("%q %q", v.Outages, v.Short)
	}
}

// TestMail is the mail that brings a report, for all and for the public.
func TestMail(t *testing.T) {
	t.Parallel()
	for name, public := range map[string]bool{"mail": false, "mail_public": true} {
		m, err := report.Compose(notifiers.Report{Name: "customers"}, october(t), options(t, public))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name+".txt", m.Subject+"\n\n"+m.Text)
		golden.Compare(t, "testdata/"+name+".html", m.HTML)
		if strings.Contains(m.HTML, "<svg") || len(m.Attachments) != 2 || m.Attachments[0].Name != "availability-2026-10.html" || m.Attachments[1].Name != "availability-2026-10.csv" {
			t.Errorf("%s: an SVG, or other attachments", name)
		}
		all := m.Subject + m.Text + m.HTML + string(m.Attachments[0].Data) + string(m.Attachments[1].Data)
		if left := secretsIn(all); public && left != "" {
			t.Errorf("the public mail has %q", left)
		}
		for line := range strings.Lines(m.Text) {
			if len([]rune(line)) > 77 {
				t.Errorf("a line is too long: %q", line)
			}
		}
	}
}
