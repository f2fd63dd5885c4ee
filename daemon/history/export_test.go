package history

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// exportStage is a history with one line of each kind at least, and with names that a
// spreadsheet would take for formulas.
func exportStage(t *testing.T) *drive {
	t.Helper()
	d := newDrive(t, newYear)
	evil := configuration("=cmd|' /c calc'!A1", "a")
	d.store.Use(evil)
	for range 26 * 6 {
		d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
		r := incident.Result{Check: "=cmd|' /c calc'!A1", Started: d.now, Observed: config.ConditionSet(config.ConditionService)}
		r.Addresses = []incident.Address{{Node: "n1", Health: incident.OK, TLS: &incident.TLSInfo{
			SHA256: "abc", Subject: "@SUM(1+1)", Issuer: "-2+3", NotBefore: newYear, NotAfter: newYear.Add(time.Hour),
		}}}
		d.store.Result(r)
		d.now = d.now.Add(10 * time.Minute)
		d.mustRound()
	}
	d.known = []Record{record("x", "a", newYear.Add(20*time.Minute), newYear.Add(30*time.Minute)), record("y", "a", newYear.Add(time.Hour), time.Time{})}
	d.mustRound()
	return d
}

// CSV and JSON lines say the same, in lines of all kinds; a spreadsheet finds no formula.
func TestExportsOfTextSayTheSame(t *testing.T) {
	t.Parallel()
	d := exportStage(t)
	var table, lines bytes.Buffer
	if err := d.store.Export(t.Context(), CSV, &table); err != nil {
		t.Fatal(err)
	}
	if err := d.store.Export(t.Context(), JSONL, &lines); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	decoder := json.NewDecoder(&lines)
	for _, row := range rows[1:] {
		kinds[row[0]]++
		object := map[string]any{}
		if err := decoder.Decode(&object); err != nil {
			t.Fatal(err)
		}
		for i, column := range rows[0] {
			cell, value := row[i], object[column]
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("the cell %q of %s is a formula", cell, column)
			}
			cell = strings.TrimPrefix(cell, "'")
			if text, ok := value.(string); ok && text != cell || value == nil && cell != "" {
				t.Errorf("%s is %q in CSV and %v in JSON", column, cell, value)
			}
			delete(object, column)
		}
		if len(object) > 0 {
			t.Errorf("CSV has no column of %v", object)
		}
	}
	if decoder.More() {
		t.Error("JSON has more lines")
	}
	for _, kind := range []string{"interval", "incident", "episode", "hour", "day", "certificate"} {
		if kinds[kind] == 0 {
			t.Errorf("there is no line of kind %s: %v", kind, kinds)
		}
	}
	if !slices.ContainsFunc(rows, func(r []string) bool { return r[0] == "incident" && r[6] == "y" && r[3] == "" }) {
		t.Error("the incident that goes on has an end, or is missing")
	}
}

// A copy of the database is whole, with what is still in SQLite's log, and leaves nothing behind.
func TestTheExportedDatabaseIsWhole(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	d := exportStage(t)
	var content bytes.Buffer
	if err := d.store.Export(t.Context(), SQLite, &content); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temporary); err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "imapvigil") }) {
		t.Errorf("left %v, %v", left, err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var sound string
	var incidents int
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("%s %v", sound, err)
	}
	if err := db.QueryRow("SELECT count(*) FROM incident").Scan(&incidents); err != nil || incidents != 2 {
		t.Errorf("%d incidents, %v", incidents, err)
	}
	if err := d.store.Export(t.Context(), "xml", &content); err == nil {
		t.Error("there is a format xml")
	}
}
