package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A lastHour holds, for each of the last 60 minutes, how the probes of a check ended.
type lastHour [60]minute

// A minute says how the probes ended that began in it.
type minute struct {
	down, unknown bool    // a probe said so, and none was good for unknown
	ms            float64 // the median of the good ones; 0: there is none
}

// newLastHour returns the hour before a time.
func newLastHour(h api.CheckHistory, now time.Time) (hour lastHour) {
	first := now.Truncate(time.Minute).Add(-59 * time.Minute)
	for i := range h.Points {
		p := &h.Points[i]
		at := int(p.At.Sub(first) / time.Minute)
		if p.At.Before(first) || at < 0 || at >= len(hour) {
			continue
		}
		m := &hour[at]
		m.down = m.down || p.Down > 0
		m.unknown = m.unknown || p.Unknown > 0
		m.ms = max(m.ms, float64(p.P50MS[config.WholeConversation].Microseconds())/1000)
	}
	return hour
}

// bars are the marks of a duration, from the shortest to the longest.
var bars = []rune("▁▂▃▄▅▆▇█")

// The marks of minutes without a good probe.
const (
	downMark    = '×'
	unknownMark = '?'
	emptyMark   = '·' // no probe began in it
)

// marks returns so many marks, each for as many minutes: of several the worst. A duration that is
// usual is half as high as there is room.
func (hour *lastHour) marks(n int) string {
	var times []float64
	for _, m := range hour {
		if m.ms > 0 {
			times = append(times, m.ms)
		}
	}
	slices.Sort(times)
	top := 0.0
	if len(times) > 0 {
		top = max(2*times[len(times)/2], times[len(times)-1])
	}
	var b strings.Builder
	for part := range slices.Chunk(hour[:], len(hour)/n) {
		var worst minute
		for _, m := range part {
			worst.down, worst.unknown, worst.ms = worst.down || m.down, worst.unknown || m.unknown, max(worst.ms, m.ms)
		}
		b.WriteRune(worst.mark(top))
	}
	return b.String()
}

func (m minute) mark(top float64) rune {
	switch {
	case m.down:
		return downMark
	case m.ms > 0:
		return bars[min(len(bars)-1, int(math.Ceil(m.ms/top*float64(len(bars))))-1)]
	case m.unknown:
		return unknownMark
	}
	return emptyMark
}

// line returns the hour in a line of at most so many columns; empty: there is no room, or nothing
// to show.
func (hour *lastHour) line(width int) string {
	if *hour == (lastHour{}) {
		return ""
	}
	longest := 0.0
	for _, m := range hour {
		longest = max(longest, m.ms)
	}
	intro, end := "last hour  ", ""
	if longest > 0 {
		end = fmt.Sprintf("  up to %.0f ms", longest)
	}
	for _, n := range []int{60, 30, 20, 12} {
		if config.Columns(intro+end)+n <= width {
			return intro + hour.marks(n) + end
		}
	}
	return ""
}

const (
	// mostHours is of how many checks the last hour is shown: the first ones, which are the worst.
	mostHours = 8
	// hoursEvery is how often the last hours are asked for, and hoursWithin how long the daemon
	// has for one.
	hoursEvery  = 30 * time.Second
	hoursWithin = 2 * time.Second
)

// lastHours are those of the checks that a watched status shows first.
type lastHours struct {
	client *api.Client
	hours  map[config.CheckID]*lastHour
	asked  map[config.CheckID]time.Time
}

func newLastHours(client *api.Client) *lastHours {
	return &lastHours{client, map[config.CheckID]*lastHour{}, map[config.CheckID]time.Time{}}
}

// refresh asks for the last hours that are missing or old. A daemon that has no history, or is of
// another version, is no reason to show less of all else.
func (h *lastHours) refresh(ctx context.Context, s api.Status, now time.Time) {
	for _, id := range checksWithHours(s) {
		if now.Sub(h.asked[id]) < hoursEvery {
			continue
		}
		h.asked[id] = now
		short, cancel := context.WithTimeout(ctx, hoursWithin)
		past, err := h.client.History(short, api.HistoryQuery{Check: id, From: "1h", Step: "1m"})
		cancel()
		if err != nil {
			delete(h.hours, id)
			continue
		}
		hour := newLastHour(past, now)
		h.hours[id] = &hour
	}
}

// checksWithHours returns the checks of which the last hour is shown: those that are shown in
// detail, or else the first of each entry that needs a person.
func checksWithHours(s api.Status) (ids []config.CheckID) {
	checks := make([]*api.Check, 0, len(s.Checks))
	for i := range s.Checks {
		checks = append(checks, &s.Checks[i])
	}
	if len(checks) > 0 && checks[0].CheckDetail == nil {
		troubled, _ := splitTroubles(checks)
		entries := foldEntries(troubled, checks)
		checks = nil
		for i := range entries {
			checks = append(checks, entries[i].firstCheck())
		}
	}
	for _, c := range checks[:min(len(checks), mostHours)] {
		ids = append(ids, c.ID)
	}
	return ids
}

// writeLastHour writes the last hour of a check behind an indentation, if it is known.
func (g *statusPage) writeLastHour(id config.CheckID, indent int) {
	if hour := g.hours[id]; hour != nil {
		if text := hour.line(g.width - indent); text != "" {
			g.line(spaces(indent) + text)
		}
	}
}
