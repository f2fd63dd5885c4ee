package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/moment"
)

// utcFlag adds --utc where a command shows times.
func (p *program) utcFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.utc, "utc", false, "show times in UTC instead of your time zone")
}

// zone returns the zone in which times are shown, and meant by whoever types them: that of
// the terminal, or UTC with --utc.
func (p *program) zone() *time.Location {
	if p.utc {
		return time.UTC
	}
	return time.Local
}

// now returns the time in the zone of whoever types.
func (p *program) now() time.Time { return time.Now().In(p.zone()) }

// formatTime returns a time for people, in the zone of whoever types, to the second.
func (p *program) formatTime(t time.Time) string {
	return t.In(p.zone()).Format("2006-01-02 15:04:05 MST")
}

// formatMinute returns a time for people, in the zone of whoever types, to the minute.
func (p *program) formatMinute(t time.Time) string {
	return t.In(p.zone()).Format("2006-01-02 15:04 MST")
}

// parseUntil reads the time of a flag --until; an empty one gives the zero Moment.
func (p *program) parseUntil(text string) (moment.Moment, error) {
	return p.parseTime("--until", text, moment.Until)
}

// parseSince reads the time of a flag --since. Of an empty text it makes the zero Moment,
// before which nothing began.
func (p *program) parseSince(text string) (moment.Moment, error) {
	return p.parseTime("--since", text, moment.Since)
}

func (p *program) parseTime(flag, text string, read func(string, time.Time) (moment.Moment, error)) (moment.Moment, error) {
	if text == "" {
		return moment.Moment{}, nil
	}
	m, err := read(text, p.now())
	if err != nil {
		return m, fmt.Errorf("%s: %w", flag, err)
	}
	return m, nil
}

// printNote says how a time was read, where that may surprise.
func (p *program) printNote(m moment.Moment) {
	if m.Note != "" {
		p.printf("%s\n", p.fold("", m.Note))
	}
}
