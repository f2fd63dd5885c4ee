package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

func (p *program) journalCommand() *cobra.Command {
	var follow bool
	var since string
	c := &cobra.Command{
		Use:   "journal",
		Short: "Print the event log, written before any message is sent",
		Long: "Print the event log (the journal), written before any message is sent.\n" +
			"It needs no daemon, and may be read while one runs.",
		Example: examples(
			"Read all of it", "imapvigil journal | less",
			"What was decided last night, as it is decided now", "imapvigil journal --since 'yesterday 22:00' --follow",
			"The last hundred records, for a program", "imapvigil journal --json | tail -n 100 | jq .",
		),
		GroupID:     groupLook,
		Annotations: exitCodes("printed", "an error"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			start, err := p.parseSince(since)
			if err != nil {
				return err
			}
			return p.journal(cmd.Context(), start.At, follow)
		},
	}
	c.Flags().StringVar(&since, "since", "", `only records since then: "24h", "22:00", "yesterday", "2026-11-30"`)
	c.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing new records, like tail -f")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, stateFlag)
	p.utcFlag(c)
	return c
}

func (p *program) journal(ctx context.Context, start time.Time, follow bool) error {
	dir := filepath.Join(p.configuredState(), "journal")
	if err := p.openJournal(dir); err != nil {
		return err
	}
	records := journal.Read(dir)
	if follow {
		records = journal.Follow(ctx, dir, 0)
	}
	err := p.printRecords(recordsAfter(records, start))
	// Ctrl-C is how --follow is ended.
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// recordsAfter leaves out the records of before a time.
func recordsAfter(records iter.Seq2[journal.Record, error], start time.Time) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for r, err := range records {
			if err == nil && r.At.Before(start) {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// openJournal says whether the journal in a directory is there and can be read. The
// journal itself takes a file that it cannot open for a damaged one.
func (p *program) openJournal(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return deniedOr(dir, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return deniedOr(dir, err)
	}
	for _, f := range files {
		// One is enough: the daemon makes them alike.
		if strings.HasSuffix(f.Name(), ".jsonl") {
			file, err := os.Open(filepath.Join(dir, f.Name()))
			if err != nil {
				return deniedOr(dir, err)
			}
			return file.Close()
		}
	}
	return nil
}

// deniedOr returns how to get access to a path that may not be read, or the error.
func deniedOr(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return access.Denied(path)
	}
	return err
}

func (p *program) printRecords(records iter.Seq2[journal.Record, error]) error {
	lines := json.NewEncoder(p.out)
	// Else <it@example.net> would be printed with \u003c and \u003e.
	lines.SetEscapeHTML(false)
	for r, err := range records {
		var damage *journal.DamageError
		switch {
		case errors.As(err, &damage):
			p.complain("A part of the journal is damaged and left out here.", err)
			continue
		case err != nil:
			return err
		}
		if p.json {
			if err := lines.Encode(entry{r.Seq, r.At.UTC().Format(time.RFC3339Nano), r.Kind, r.Data}); err != nil {
				return err
			}
			continue
		}
		p.printf("%8d  %s  %s\n", r.Seq, p.formatTime(r.At), r.Kind)
		if text := p.fold("          ", strings.Join(flattenRecord("", r.Data), " ")); text != "" {
			p.printf("%s\n", text)
		}
	}
	return nil
}

// flattenRecord returns what stands in a record, for people: each value under the path of
// its keys. What is empty, or stands in the line above, is left out.
func flattenRecord(path string, data any) (list []string) {
	switch v := data.(type) {
	case json.RawMessage:
		var decoded any
		// Shown all the same: this command is for looking into what is amiss.
		if json.Unmarshal(v, &decoded) != nil {
			return []string{strconv.Quote(string(v))}
		}
		return flattenRecord(path, decoded)
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			// Time and kind stand in the line above.
			if path != "" || key != "at" && key != "kind" {
				list = append(list, flattenRecord(strings.TrimPrefix(path+"."+key, "."), v[key])...)
			}
		}
	case []any:
		for i, element := range v {
			list = append(list, flattenRecord(fmt.Sprintf("%s[%d]", path, i), element)...)
		}
	case string:
		if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == '"' || !unicode.IsPrint(r) }) {
			v = strconv.Quote(v)
		}
		if v != "" {
			list = append(list, path+"="+v)
		}
	case nil:
	default:
		list = append(list, fmt.Sprintf("%s=%v", path, v))
	}
	return list
}

// entry is a record as `journal --json` prints it: one object a line.
type entry struct {
	Seq  uint64          `json:"seq"`
	At   string          `json:"at"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

// configuredState returns the state directory: the flag's, systemd's, or the
// configuration's.
func (p *program) configuredState() string {
	if p.stateDir != "" {
		return p.stateDir
	}
	if dir := p.stateDirectory(); dir != "" {
		return dir
	}
	places, err := p.configuredPlaces()
	if err != nil {
		p.complain("There is no configuration that says where the state is kept, so it is looked for where it is by default. Name another directory with --state-dir.", err)
		return daemon.DefaultStateDir
	}
	return places.StateDir
}
