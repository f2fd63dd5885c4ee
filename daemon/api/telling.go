package api

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A telling is what has changed between two snapshots.
type telling struct {
	last, now *tracker.Snapshot
	timed     func(*config.Check) bool // time alone may have changed it; nil: none
	checks    []toldCheck
	incidents []toldIncident
}

// A toldCheck is an entry of the status. It is news if more has changed than when it was probed, and
// how long that took.
type toldCheck struct {
	entry Check
	news  bool
	timed bool
	text  []byte // of the entry; nil: nobody has been told yet
}

// encoded returns the entry as JSON, which is made once: of most nobody is told.
func (one *toldCheck) encoded() []byte {
	if one.text == nil {
		one.text = mustEncode(one.entry)
	}
	return one.text
}

type toldIncident struct {
	check config.CheckID
	text  []byte
}

func newTelling(last, now *tracker.Snapshot, timed func(*config.Check) bool) *telling {
	return &telling{last: last, now: now, timed: timed}
}

// gather looks for what has changed, and reports whether anything has.
func (t *telling) gather(next func(config.CheckID) time.Time) bool {
	if t.now.Version == t.last.Version && t.timed == nil {
		return false
	}
	changes := t.now.Changes(t.last.Version)
	before, after := silencesAt(t.last), silencesAt(t.now)
	add := func(c tracker.Check, timed bool) {
		v := newCheck(c, t.now.At, next)
		addSilences(&v, c.Check, after)
		one := toldCheck{entry: v, news: true, timed: timed}
		if old, known := t.last.Check(c.ID); known {
			was := newCheck(old, t.last.At, next)
			addSilences(&was, old.Check, before)
			one.news = !reflect.DeepEqual(v.withoutProbe(), was.withoutProbe())
		}
		t.checks = append(t.checks, one)
	}
	for _, c := range changes.Checks {
		add(c, false)
	}
	if t.timed != nil {
		for c := range t.now.Checks() {
			if t.timed(c.Check) && !slices.ContainsFunc(t.checks, func(one toldCheck) bool { return one.entry.ID == c.ID }) {
				add(c, true)
			}
		}
	}
	for _, in := range changes.Incidents {
		t.incidents = append(t.incidents, toldIncident{in.Incident.Check, mustEncode(NewIncident(t.now, in))})
	}
	return len(t.checks)+len(t.incidents) > 0
}

// silencesAt lists the silences that hold at the time of a snapshot, the first to end first. How many
// checks each covers is not counted: of 100,000 checks that would take longer than all else.
func silencesAt(s *tracker.Snapshot) (list []ListedSilence) {
	for _, silence := range s.Silences {
		if !silence.From.After(s.At) && silence.Until.After(s.At) {
			list = append(list, ListedSilence{Silence: silence})
		}
	}
	slices.SortFunc(list, func(a, b ListedSilence) int { return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID)) })
	return list
}

// withoutProbe returns the entry without what each probe changes.
func (c Check) withoutProbe() Check {
	c.LastProbeAt, c.NextProbeAt, c.LatencyMS = nil, nil, nil
	return c
}

// textFor returns the events of one client; none: nothing that it sees has changed.
func (t *telling) textFor(c *client) (text []byte, timed bool) {
	var entries [][]byte
	for i := range t.checks {
		one := &t.checks[i]
		if (one.news || c.about != "") && c.sees(t.now, one.entry.ID) {
			entries = append(entries, one.encoded())
			timed = timed || one.timed
		}
	}
	var events [][]byte
	id := eventID(t.now)
	for i := range t.incidents {
		if one := &t.incidents[i]; c.sees(t.now, one.check) {
			events = append(events, encodeEvent("incident", id, one.text))
		}
	}
	if len(entries) > mostTold || len(events) > mostToldOf {
		return t.reload()(c)
	}
	if len(entries) > 0 {
		head, tail, _ := bytes.Cut(mustEncode(Happening{At: t.now.At, Checks: []Check{}}), []byte("[]"))
		data := slices.Concat(head, []byte("["), bytes.Join(entries, []byte(",")), []byte("]"), tail)
		events = append(events, encodeEvent("checks", id, data))
	}
	return bytes.Join(events, nil), timed
}

// reload returns what tells everybody that too much has changed.
func (t *telling) reload() func(*client) ([]byte, bool) {
	text := encodeEvent("checks", eventID(t.now), mustEncode(Happening{At: t.now.At, Reload: true, Checks: []Check{}}))
	return func(*client) ([]byte, bool) { return text, true }
}

// A clockwork finds out what time alone changes: maintenance begins and ends, and so do silences.
type clockwork struct {
	blocks []calendar.Span // around the time of the last look
}

func newClockwork(s *tracker.Snapshot) *clockwork {
	w := &clockwork{blocks: make([]calendar.Span, len(s.Config.Maintenance))}
	for i := range w.blocks {
		w.blocks[i] = calendar.MaintenanceSpan(&s.Config.Maintenance[i], s.At)
	}
	return w
}

// changed returns which checks time, or a person, may have changed between two snapshots of one
// configuration without anything happening to them; nil: none.
func (w *clockwork) changed(last, now *tracker.Snapshot) func(*config.Check) bool {
	var about []func(*config.Check) bool
	for i := range w.blocks {
		// Only where the time of its span is over: to find one takes up to a millisecond.
		if end := w.blocks[i].To; end.IsZero() || now.At.Before(end) {
			continue
		}
		m := &now.Config.Maintenance[i]
		w.blocks[i] = calendar.MaintenanceSpan(m, now.At)
		about = append(about, func(c *config.Check) bool { return isAbout(m, c) })
	}
	before, after := silencesAt(last), silencesAt(now)
	for _, both := range [][2][]ListedSilence{{before, after}, {after, before}} {
		for i := range both[0] {
			s := &both[0][i]
			if !slices.ContainsFunc(both[1], func(o ListedSilence) bool { return o.ID == s.ID }) {
				about = append(about, func(c *config.Check) bool { return s.Covers(c.ID, c, "", s.From) })
			}
		}
	}
	if len(about) == 0 {
		return nil
	}
	return func(c *config.Check) bool {
		return slices.ContainsFunc(about, func(is func(*config.Check) bool) bool { return is(c) })
	}
}
