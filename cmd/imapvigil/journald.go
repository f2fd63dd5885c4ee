package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// journaldFields are the fields of the journal that can be searched, by their
// names in the log: journalctl -u imapvigil CHECK_ID=mx1/imaps.
var journaldFields = map[string]string{"check": "CHECK_ID", "incident": "INCIDENT_ID", "cause": "CAUSE"}

// priorities are the levels of syslog(3).
var priorities = map[zapcore.Level]journal.Priority{
	zapcore.DebugLevel: journal.PriDebug,
	zapcore.InfoLevel:  journal.PriInfo,
	zapcore.WarnLevel:  journal.PriWarning,
	zapcore.ErrorLevel: journal.PriErr,
}

// A journald is a log that goes to systemd's journal. MESSAGE is one line that
// can be printed, with everything in it.
type journald struct {
	zapcore.LevelEnabler
	fields []zap.Field
	queue  *logQueue
}

func newJournald(at zapcore.LevelEnabler, q *logQueue) *journald {
	return &journald{LevelEnabler: at, queue: q}
}

// newJournaldQueue makes the queue of a log that goes to systemd's journal. What
// journald does not take is written to the writer that is called instead, as a line
// with its priority in front (sd-daemon(3)).
func newJournaldQueue(send func(string, journal.Priority, map[string]string) error, instead io.Writer) *logQueue {
	out := &lineOutput{w: instead}
	put := func(l logLine) error {
		if l.plain {
			return out.put(l.text)
		}
		if send(l.text, l.priority, l.fields) == nil {
			return nil
		}
		return out.put(fmt.Sprintf("<%d>%s\n", l.priority, l.text))
	}
	return newLogQueue(put, func(text string) logLine { return logLine{text: text, priority: journal.PriWarning} })
}

// With implements [zapcore.Core].
func (c *journald) With(fields []zap.Field) zapcore.Core {
	return &journald{c.LevelEnabler, slices.Concat(c.fields, fields), c.queue}
}

// Check implements [zapcore.Core].
func (c *journald) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return to.AddCore(e, c)
	}
	return to
}

// Write implements [zapcore.Core]. It does not wait for journald.
func (c *journald) Write(e zapcore.Entry, fields []zap.Field) error {
	fields = slices.Concat(c.fields, fields)
	priority, ok := priorities[e.Level]
	if !ok {
		// The levels above error: zap's DPanic, Panic and Fatal.
		priority = journal.PriCrit
	}
	c.queue.enqueue(logLine{text: messageWithFields(e.Message, fields), priority: priority, fields: journalFields(fields)})
	return nil
}

// Sync implements [zapcore.Core].
func (c *journald) Sync() error { return nil }

// journalFields returns those fields that have a name in the journal.
func journalFields(fields []zap.Field) map[string]string {
	all := map[string]string{"SYSLOG_IDENTIFIER": "imapvigil"}
	for _, f := range fields {
		if name, ok := journaldFields[f.Key]; ok && f.Type == zapcore.StringType && f.String != "" {
			all[name] = f.String
		}
	}
	return all
}

// messageWithFields returns a message with its fields, as far as there is something in them, in
// one line without anything that would make journalctl show "blob data", or a
// terminal do something else than print.
func messageWithFields(message string, fields []zap.Field) string {
	var b strings.Builder
	b.WriteString(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, message))
	for _, f := range fields {
		o := zapcore.NewMapObjectEncoder()
		f.AddTo(o)
		for _, key := range slices.Sorted(maps.Keys(o.Fields)) {
			if text := quoteIfSpaced(o.Fields[key]); text != "" {
				b.WriteString(" " + key + "=" + text)
			}
		}
	}
	return b.String()
}

// quoteIfSpaced returns a value as text, in quotes where it is more than a word.
func quoteIfSpaced(value any) string {
	text := fmt.Sprint(value)
	if at, ok := value.(time.Time); ok {
		text = at.Format(time.RFC3339)
	}
	if quoted := strconv.Quote(text); strings.ContainsAny(text, " =") || quoted != `"`+text+`"` {
		return quoted
	}
	return text
}
