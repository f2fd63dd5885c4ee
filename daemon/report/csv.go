package report

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// csvColumns are the columns of the CSV: an interface. Seconds and ratios are numbers with a
// point; a ratio without data is empty.
var csvColumns = []string{
	"check", "label", "groups", "from", "to", "availability", "coverage", "floor", "ceiling", "strict",
	"objective", "verdict", "absent_s", "maintenance_s", "unknown_s", "down_s", "degraded_s", "ok_s",
	"incidents", "longest_outage_s", "notice_median_s", "told_median_s", "acknowledge_median_s", "repair_median_s", "p50_ms", "p95_ms", "p99_ms",
}

// CSV writes one row a check, RFC 4180. A public one has labels only.
func CSV(r *api.PeriodReport, o Options) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true // as RFC 4180 has it
	if err := w.Write(csvColumns); err != nil {
		return nil, err
	}
	for i := range r.Checks {
		if err := w.Write(csvRow(r, &r.Checks[i], o)); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

func csvRow(r *api.PeriodReport, c *api.CheckAvailability, o Options) []string {
	const rfc3339 = "2006-01-02T15:04:05Z07:00"
	id, label, groups := string(c.ID), c.Label, strings.Join(c.Groups, "/")
	if o.Public {
		id, label, groups = "", c.PublicName, ""
	}
	row := []string{
		asText(id), asText(label), asText(groups), r.From.UTC().Format(rfc3339), r.To.UTC().Format(rfc3339),
		orEmpty(c.Availability), orEmpty(c.Coverage), orEmpty(c.Floor), orEmpty(c.Ceiling), orEmpty(c.Strict),
	}
	objective, verdict := "", ""
	if c.SLO != nil {
		objective, verdict = number(c.SLO.Objective), string(c.SLO.Verdict)
	}
	s := c.Seconds
	row = append(row, objective, verdict, number(s.Absent), number(s.Maintenance), number(s.Unknown), number(s.Down), number(s.Degraded), number(s.OK),
		strconv.Itoa(c.Incidents), number(c.LongestOutageS), orEmpty(c.Notice.Median), orEmpty(c.Told.Median), orEmpty(c.Acknowledge.Median), orEmpty(c.Repair.Median))
	if c.LatencyMS != nil {
		q := c.LatencyMS.Total
		return append(row, number(q.P50), number(q.P95), number(q.P99))
	}
	return append(row, "", "", "")
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func orEmpty(f *float64) string {
	if f == nil {
		return ""
	}
	return number(*f)
}

// asText keeps spreadsheets from calculating what was meant as text: Excel, LibreOffice and
// Google Sheets take a cell for a formula that begins with one of these, also behind a tab or a
// line end (OWASP, CSV Injection). Control characters and an apostrophe in front are shown as text.
func asText(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n'＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
