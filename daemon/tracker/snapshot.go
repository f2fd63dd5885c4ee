package tracker

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A Snapshot is what is known at one moment, as values that never change, for those
// who show it. It shares with the snapshot before what has not changed since, so that
// making one costs as much as has changed. What depends on the time (maintenance), on
// the schedule of probes or on who looks is left to the reader.
type Snapshot struct {
	At time.Time // when it was made
	// Version counts the snapshots that differ, from 1. It is what a reader gives to
	// Changes later.
	Version uint64
	// Source is another one for each tracker of this process: versions of two have nothing to do
	// with each other.
	Source  uint64
	Config  *config.Config
	Journal journal.Status
	// Silences are those that are remembered; some have ended.
	Silences []outbox.Silence
	// Reports are those that were decided, in that order, and what became of them.
	Reports []ReportState
	// Others are further ids of incidents, by those here: on a node that is alone, the ids of those in the journal that
	// all nodes share which are about the same. People have read them in messages. A tracker knows none.
	Others map[incident.ID]incident.ID

	roster     []*config.Check // of Config, by id
	checks     table[CheckState]
	incidents  table[IncidentState]
	deliveries table[DeliveryState]
	calendar   *calendar.Calendar
}

// A CheckState is what the probes of a check have found since the start. The zero value
// is a check that was not probed yet.
type CheckState struct {
	// Version is that of the first snapshot that holds this value.
	Version uint64
	// Last is the result of the last probe, with its conversations; nil: there is none
	// yet.
	Last *incident.Result
	// Since is when the first of the probes began that say the same of the check as the
	// last one: whether it can be judged. Of several nodes it is since when all of them do, also while another one
	// decided.
	Since time.Time
	// Unknown: the last probe could not judge, or the service was not observed yet.
	Unknown bool
	// Incidents are those of the check, one a condition at most, closed ones included.
	Incidents []incident.Incident
}

// An IncidentState is an incident, what happened to it, and what was told of it.
type IncidentState struct {
	Version  uint64
	Incident incident.Incident
	Events   []incident.Event
	// Held is what should be told of it and is not told yet.
	Held []outbox.Held

	deliveries []int // their places
}

// A DeliveryState is a notification and how far it has come.
type DeliveryState struct {
	Version  uint64
	Key      outbox.Key
	NotifyID config.NotifyID
	Roles    []config.RoleID // all that asked for it
	Kind     notifiers.Kind
	Items    []outbox.Item
	State    outbox.DeliveryState
	Attempts int
	At       time.Time // of the last attempt, or when it was decided
	Answer   opaque.Words
	// NextAt is when the next attempt is due; zero: there is none.
	NextAt time.Time
	// Dismissed and DismissedBy: when and by whom a delivery that was given up was marked
	// as needing no more attention.
	Dismissed   time.Time
	DismissedBy string
	// Recipients are what each was answered, where they were not all answered alike.
	Recipients []notifiers.Recipient
}

// Snapshot returns what is known, all rounds that were journaled before the call
// included.
func (t *Tracker) Snapshot(ctx context.Context) (*Snapshot, error) {
	s, err := look(ctx, t, func(now time.Time) (*Snapshot, error) {
		// A copy, whose time is its own: a snapshot without a change is handed out again.
		s := *t.publish()
		s.At = now.UTC().Round(0)
		return &s, nil
	})
	if err != nil {
		return nil, err
	}
	s.Journal = t.Journal.Status()
	return s, nil
}

// A Check is one check of a snapshot: what the files say of it, and what its probes
// have found.
type Check struct {
	*config.Check
	*CheckState
	snapshot *Snapshot
}

var notProbed = &CheckState{}

// Checks yields all checks of the configuration in the order of their ids.
func (s *Snapshot) Checks() iter.Seq[Check] {
	return func(yield func(Check) bool) {
		for i := range s.roster {
			if !yield(s.check(i)) {
				return
			}
		}
	}
}

// Check returns the check with an id; ok is false when the files do not have it.
func (s *Snapshot) Check(id config.CheckID) (c Check, ok bool) {
	place := placeIn(s.roster, id)
	if place == 0 {
		return Check{}, false
	}
	return s.check(place - 1), true
}

func (s *Snapshot) check(i int) Check {
	state := s.checks.at(i + 1)
	if state == nil {
		state = notProbed
	}
	return Check{s.roster[i], state, s}
}

// State returns how the check is at a time, and which incident says so; nil: none.
func (c Check) State(at time.Time) (state incident.CheckState, gravest *incident.Incident) {
	if !c.Enabled {
		return incident.CheckPaused, nil
	}
	in, live := incident.Gravest(c.Incidents)
	if live {
		gravest = &in
	}
	_, maintenance := c.snapshot.calendar.Maintenance(c.Check, at)
	switch {
	case maintenance:
		return incident.CheckMaintenance, gravest
	case c.Unknown:
		return incident.CheckUnknown, gravest
	case live:
		return in.CheckState(), gravest
	case c.Last == nil:
		return incident.CheckUnknown, nil
	}
	return incident.CheckOK, nil
}

// Maintenance returns the name of the maintenance block that the check is in at a time,
// and until when at least; empty: it is in none.
func (c Check) Maintenance(at time.Time) (name string, until time.Time) {
	until, in := c.snapshot.calendar.Maintenance(c.Check, at)
	if !in {
		return "", time.Time{}
	}
	return c.snapshot.calendar.MaintenanceName(c.Check, at), until
}

// Finding returns what is wrong with the check, which is in a state because of an
// incident: what the last probe found, or else what is known of that incident; nil:
// nothing.
func (c Check) Finding(state incident.CheckState, gravest *incident.Incident) *incident.Finding {
	if c.Last != nil {
		worst, bad := c.Last.Worst()
		// A login that was due and not tried says nothing of a check that is known.
		if bad && (worst.Cause != config.CauseLoginNotTried || state == incident.CheckUnknown) {
			return &worst
		}
	}
	if gravest != nil {
		return &gravest.Finding
	}
	return nil
}

// StateSince returns since when the check is in a state because of an incident; zero: it
// is not known.
func (c Check) StateSince(state incident.CheckState, gravest *incident.Incident) time.Time {
	switch {
	case state == incident.CheckUnknown || gravest == nil && state != incident.CheckOK:
		return c.Since
	case state == incident.CheckRecovering:
		return gravest.WellSince
	case gravest != nil:
		return gravest.FailingSince
	}
	since := c.Since
	for i := range c.Incidents {
		if end := c.Incidents[i].EndedAt; end.After(since) {
			since = end
		}
	}
	return since
}

// Incidents yields the incidents: those that were reported, and those that ended before
// they could be. A failure that is neither is none yet.
func (s *Snapshot) Incidents() iter.Seq[*IncidentState] {
	return func(yield func(*IncidentState) bool) {
		for _, in := range s.incidents.all() {
			if in.shown() && !yield(in) {
				return
			}
		}
	}
}

// HasIncident reports whether the snapshot shows an incident.
func (s *Snapshot) HasIncident(id incident.ID) bool {
	for in := range s.Incidents() {
		if in.Incident.ID == id {
			return true
		}
	}
	return false
}

// HasDelivery reports whether the snapshot has a delivery.
func (s *Snapshot) HasDelivery(key outbox.Key) bool {
	for _, d := range s.deliveries.all() {
		if d.Key == key {
			return true
		}
	}
	return false
}

func (in *IncidentState) shown() bool { return !in.Incident.Unconfirmed || !in.Incident.Unreported() }

// Deliveries yields the deliveries that tell of an incident, the oldest first.
func (s *Snapshot) Deliveries(of *IncidentState) iter.Seq[*DeliveryState] {
	return func(yield func(*DeliveryState) bool) {
		for _, place := range of.deliveries {
			if d := s.deliveries.at(place); d != nil && !yield(d) {
				return
			}
		}
	}
}

// neglected reports whether the delivery was given up and nobody has dismissed it.
func (d *DeliveryState) neglected() bool {
	return (d.State == outbox.Dead || d.State == outbox.Expired) && d.Dismissed.IsZero()
}

// Counts returns how many deliveries are under way, and how many could not be delivered and
// are not dismissed.
func (s *Snapshot) Counts() (queued, dead int) {
	for _, d := range s.deliveries.all() {
		switch {
		case d.neglected():
			dead++
		case !d.State.Final():
			queued++
		}
	}
	return queued, dead
}

// Stuck returns how many deliveries have failed and are tried again, and the notifiers of
// those that fail or were given up, in the order of their ids.
func (s *Snapshot) Stuck() (retrying int, through []config.NotifierID) {
	failing := map[config.NotifierID]bool{}
	for _, d := range s.deliveries.all() {
		switch {
		case d.neglected():
		case d.State == outbox.Retrying || d.State == outbox.Sending && d.Attempts > 0:
			retrying++
		default:
			continue
		}
		failing[d.NotifyID.Notifier] = true
	}
	return retrying, slices.Sorted(maps.Keys(failing))
}

// CountHeld counts the messages that are held back, as they will be when there is room:
// one a destination where people read, one an event where programs do.
func (s *Snapshot) CountHeld() (n int) {
	people := map[outbox.Destination]bool{}
	for _, in := range s.incidents.all() {
		for i := range in.Held {
			if h := &in.Held[i]; h.Kind.Traits().People {
				people[h.Destination()] = true
			} else {
				n++
			}
		}
	}
	return n + len(people)
}

// Changes are what differs from an older snapshot.
type Changes struct {
	// Checks were probed since, or something has happened to their incidents. What
	// only the configuration says of a check is not looked at: compare
	// Snapshot.Config.
	Checks []Check
	// Incidents are those to which something has happened, or of which something was
	// told, or was answered. None of those that were forgotten.
	Incidents []*IncidentState
}

// Changes returns what has changed since the snapshot of a version; 0: everything.
func (s *Snapshot) Changes(since uint64) (c Changes) {
	for place, state := range s.checks.since(since) {
		if state.Version > since {
			c.Checks = append(c.Checks, Check{s.roster[place-1], state, s})
		}
	}
	told := map[incident.ID]bool{}
	for _, d := range s.deliveries.since(since) {
		if d.Version > since {
			for _, item := range d.Items {
				told[item.Incident] = true
			}
		}
	}
	// Then only the blocks in which something has changed need to be walked.
	if len(told) == 0 {
		for _, in := range s.incidents.since(since) {
			if in.Version > since && in.shown() {
				c.Incidents = append(c.Incidents, in)
			}
		}
		return c
	}
	for _, in := range s.incidents.all() {
		if (in.Version > since || told[in.Incident.ID]) && in.shown() {
			c.Incidents = append(c.Incidents, in)
		}
	}
	return c
}
