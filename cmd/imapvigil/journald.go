package main

import (
	"fmt"
	"maps"
	"strings"
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
	encoder zapcore.Encoder
	fields  map[string]string
	queue   *journaldQueue
}

func newJournald(at zapcore.LevelEnabler, q *journaldQueue) *journald {
	return &journald{
		LevelEnabler: at, queue: q, fields: map[string]string{"SYSLOG_IDENTIFIER": "imapvigil"},
		encoder: zapcore.NewConsoleEncoder(zapcore.EncoderConfig{
			MessageKey: "message", ConsoleSeparator: " ", SkipLineEnding: true,
			EncodeTime: zapcore.RFC3339TimeEncoder, EncodeDuration: zapcore.StringDurationEncoder,
		}),
	}
}

// With implements [zapcore.Core].
func (c *journald) With(fields []zap.Field) zapcore.Core {
	more := *c
	more.encoder = c.encoder.Clone()
	for _, f := range fields {
		f.AddTo(more.encoder)
	}
	more.fields = c.searchable(fields)
	return &more
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
	line, err := c.encoder.EncodeEntry(e, fields)
	if err != nil {
		return fmt.Errorf("encoding a log entry: %w", err)
	}
	defer line.Free()
	priority, ok := priorities[e.Level]
	if !ok {
		priority = journal.PriCrit
	}
	c.queue.add(journaldEntry{printable(line.String()), priority, c.searchable(fields)})
	return nil
}

// Sync implements [zapcore.Core].
func (c *journald) Sync() error { return nil }

// searchable are the fields of c and those given that have a name in the journal.
func (c *journald) searchable(fields []zap.Field) map[string]string {
	all := maps.Clone(c.fields)
	for _, f := range fields {
		if name, ok := journaldFields[f.Key]; ok && f.Type == zapcore.StringType && f.String != "" {
			all[name] = f.String
		}
	}
	return all
}

// printable makes text one line without anything that would make journalctl show
// "blob data", or a terminal do something else than print.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, text)
}
