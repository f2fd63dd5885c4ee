package history

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A Format is how the history is exported.
type Format string

// The formats.
const (
	CSV    Format = "csv"
	JSONL  Format = "jsonl" // an object a line
	SQLite Format = "sqlite"
)

// Formats lists the formats.
func Formats() []Format { return []Format{CSV, JSONL, SQLite} }

// Export writes all that is remembered, check by check. It may take minutes, and delays neither
// the writer nor other readers.
func (s *Store) Export(ctx context.Context, format Format, w io.Writer) error {
	if s.readers.Load() == nil {
		return s.unavailable(nil)
	}
	if format == SQLite {
		return s.exportFile(ctx, w)
	}
	var write func(*exported) error
	end := func() error { return nil }
	switch format {
	case CSV:
		out := csv.NewWriter(w)
		if err := out.Write(exportedColumns); err != nil {
			return err
		}
		write = func(e *exported) error { return out.Write(e.columns()) }
		end = func() error { out.Flush(); return out.Error() }
	case JSONL:
		out := json.NewEncoder(w)
		write = func(e *exported) error { return out.Encode(e) }
	default:
		return fmt.Errorf("there is no format %q: use csv, jsonl or sqlite", format)
	}
	// A handle of its own, since the others have two connections for those who look at pages.
	db, err := s.openReader()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	e := exporter{db, newPacker(), write}
	return errors.Join(e.exportAll(ctx), end())
}

// An exported is one line: what was of a check in a time. Its keys, and the columns in this
// order, are an interface.
type exported struct {
	Kind       string   `json:"kind"` // interval, incident, episode, hour, day or certificate
	Check      string   `json:"check"`
	From       string   `json:"from"`
	To         string   `json:"to"` // empty while it goes on
	State      string   `json:"state,omitempty"`
	Why        string   `json:"why,omitempty"`
	Incident   string   `json:"incident,omitempty"`
	Condition  string   `json:"condition,omitempty"`
	Severity   string   `json:"severity,omitempty"`
	Phase      string   `json:"phase,omitempty"`
	Cause      string   `json:"cause,omitempty"`
	ReportedAt string   `json:"reported_at,omitempty"`
	ToldAt     string   `json:"told_at,omitempty"`
	ClosedAs   string   `json:"closed_as,omitempty"`
	Probes     *uint32  `json:"probes,omitempty"`
	OK         *uint32  `json:"ok,omitempty"`
	Degraded   *uint32  `json:"degraded,omitempty"`
	Down       *uint32  `json:"down,omitempty"`
	Unknown    *uint32  `json:"unknown,omitempty"`
	P50        *float64 `json:"p50_ms,omitempty"`
	P95        *float64 `json:"p95_ms,omitempty"`
	P99        *float64 `json:"p99_ms,omitempty"`
	Max        *float64 `json:"max_ms,omitempty"`
	Address    string   `json:"address,omitempty"`
	SHA256     string   `json:"sha256,omitempty"`
	Subject    string   `json:"subject,omitempty"`
	Issuer     string   `json:"issuer,omitempty"`
	NotBefore  string   `json:"not_before,omitempty"`
	NotAfter   string   `json:"not_after,omitempty"`
}

var exportedColumns = []string{
	"kind", "check", "from", "to", "state", "why", "incident", "condition", "severity", "phase", "cause", "reported_at", "told_at", "closed_as",
	"probes", "ok", "degraded", "down", "unknown", "p50_ms", "p95_ms", "p99_ms", "max_ms",
	"address", "sha256", "subject", "issuer", "not_before", "not_after",
}

func (e *exported) columns() []string {
	list := []string{
		e.Kind, e.Check, e.From, e.To, e.State, e.Why, e.Incident, e.Condition, e.Severity, e.Phase, e.Cause, e.ReportedAt, e.ToldAt, e.ClosedAs,
	}
	for _, n := range []*uint32{e.Probes, e.OK, e.Degraded, e.Down, e.Unknown} {
		list = append(list, optional(n, func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }))
	}
	for _, ms := range []*float64{e.P50, e.P95, e.P99, e.Max} {
		list = append(list, optional(ms, func(ms float64) string { return strconv.FormatFloat(ms, 'f', -1, 64) }))
	}
	list = append(list, e.Address, e.SHA256, e.Subject, e.Issuer, e.NotBefore, e.NotAfter)
	for i, text := range list {
		list[i] = withoutFormula(text)
	}
	return list
}

func optional[T any](value *T, format func(T) string) string {
	if value == nil {
		return ""
	}
	return format(*value)
}

// withoutFormula returns a text that spreadsheets do not take for a formula, which might send
// what is in the table elsewhere: names and certificates are written by others.
func withoutFormula(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// An exporter writes what a file remembers.
type exporter struct {
	db     *sql.DB
	packer *packer
	write  func(*exported) error
}

func (e *exporter) exportAll(ctx context.Context) error {
	if err := e.exportIntervals(ctx, allChecks, ""); err != nil {
		return err
	}
	type check struct {
		id   int64
		name string
	}
	var checks []check
	err := eachRow(ctx, e.db, "SELECT id, name FROM chk ORDER BY name, id", nil, func(scan scanner) error {
		var c check
		err := scan(&c.id, &c.name)
		checks = append(checks, c)
		return err
	})
	if err != nil {
		return err
	}
	// Each answer is a short one: a long one would keep SQLite from cutting its log.
	for _, c := range checks {
		for _, export := range []func(context.Context, int64, string) error{
			e.exportIntervals, e.exportIncidents, e.exportEpisodes, e.exportHours, e.exportDays, e.exportCertificates,
		} {
			if err := export(ctx, c.id, c.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// timeText returns a time as JSON has it; empty for none.
func timeText(ms sql.NullInt64) string {
	if !ms.Valid || ms.Int64 <= 0 {
		return ""
	}
	return time.UnixMilli(ms.Int64).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func (e *exporter) exportIntervals(ctx context.Context, id int64, name string) error {
	return eachRow(ctx, e.db, "SELECT f, t, kind, why FROM span WHERE chk = ? ORDER BY f", []any{id}, func(scan scanner) error {
		line := exported{Kind: "interval", Check: name}
		var from, to sql.NullInt64
		if err := scan(&from, &to, &line.State, &line.Why); err != nil {
			return err
		}
		line.From, line.To = timeText(from), timeText(to)
		return e.write(&line)
	})
}

func (e *exporter) exportIncidents(ctx context.Context, id int64, name string) error {
	query := "SELECT id, condition, severity, started, ended, reported, told, closed_as, phase, cause FROM incident WHERE chk = ? ORDER BY started"
	return eachRow(ctx, e.db, query, []any{id}, func(scan scanner) error {
		line := exported{Kind: "incident", Check: name}
		var from, to, reported, told sql.NullInt64
		if err := scan(&line.Incident, &line.Condition, &line.Severity, &from, &to, &reported, &told, &line.ClosedAs, &line.Phase, &line.Cause); err != nil {
			return err
		}
		line.From, line.To, line.ReportedAt, line.ToldAt = timeText(from), timeText(to), timeText(reported), timeText(told)
		return e.write(&line)
	})
}

func (e *exporter) exportEpisodes(ctx context.Context, id int64, name string) error {
	query := `SELECT b.incident, i.condition, b.f, b.t, b.reported FROM incident i JOIN bout b ON b.incident = i.id WHERE i.chk = ? ORDER BY b.f`
	return eachRow(ctx, e.db, query, []any{id}, func(scan scanner) error {
		line := exported{Kind: "episode", Check: name}
		var from, to, reported sql.NullInt64
		if err := scan(&line.Incident, &line.Condition, &from, &to, &reported); err != nil {
			return err
		}
		line.From, line.To, line.ReportedAt = timeText(from), timeText(to), timeText(reported)
		return e.write(&line)
	})
}

func (e *exporter) exportHours(ctx context.Context, id int64, name string) error {
	return eachRow(ctx, e.db, "SELECT day, data FROM hourly WHERE chk = ? ORDER BY day", []any{id}, func(scan scanner) error {
		var number int64
		var data sql.RawBytes
		if err := scan(&number, &data); err != nil {
			return err
		}
		d, err := e.packer.unpackDay(data)
		if err != nil {
			return err
		}
		for h, r := range d {
			if r == nil {
				continue
			}
			begin := time.UnixMilli((number*24 + int64(h)) * hourMillis)
			if err := e.writeRollup("hour", name, begin, begin.Add(time.Hour), r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *exporter) exportDays(ctx context.Context, id int64, name string) error {
	return eachRow(ctx, e.db, `SELECT "from", data FROM daily WHERE chk = ? ORDER BY "from"`, []any{id}, func(scan scanner) error {
		var from int64
		var data sql.RawBytes
		if err := scan(&from, &data); err != nil {
			return err
		}
		r, err := readDay(data)
		if err != nil {
			return err
		}
		return e.writeRollup("day", name, time.Unix(from, 0), time.Time{}, r)
	})
}

func (e *exporter) writeRollup(kind, name string, from, to time.Time, r *rollup) error {
	line := exported{
		Kind: kind, Check: name, From: timeText(orNull(milli(from))), To: timeText(orNull(milli(to))),
		Probes: &r.n, OK: &r.ok, Degraded: &r.degraded, Down: &r.down, Unknown: &r.unknown,
	}
	if longest := r.total.longest(); longest > 0 {
		ms := func(b bucket) *float64 {
			v := float64(bucketMiddle[b].Microseconds()) / 1000
			return &v
		}
		line.P50, line.P95, line.P99, line.Max = ms(r.total.percentile(0.5)), ms(r.total.percentile(0.95)), ms(r.total.percentile(0.99)), ms(longest)
	}
	return e.write(&line)
}

func (e *exporter) exportCertificates(ctx context.Context, id int64, name string) error {
	query := "SELECT addr, sha256, first, last, not_before, not_after, subject, issuer FROM cert WHERE chk = ? ORDER BY first, addr"
	return eachRow(ctx, e.db, query, []any{id}, func(scan scanner) error {
		line := exported{Kind: "certificate", Check: name}
		var first, last, notBefore, notAfter sql.NullInt64
		if err := scan(&line.Address, &line.SHA256, &first, &last, &notBefore, &notAfter, &line.Subject, &line.Issuer); err != nil {
			return err
		}
		line.From, line.To, line.NotBefore, line.NotAfter = timeText(first), timeText(last), timeText(notBefore), timeText(notAfter)
		return e.write(&line)
	})
}
