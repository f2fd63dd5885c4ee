package api

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Status is what `status --json` prints. The keys are an interface.
type Status struct {
	GeneratedAt   time.Time     `json:"generated_at"`
	Config        Config        `json:"config"`
	Journal       Journal       `json:"journal"`
	Checks        []Check       `json:"checks"`
	Notifications Notifications `json:"notifications"`
	Probes        Probes        `json:"probes"`
	Log           Log           `json:"log"`
	// History is how the history is; missing in answers of older daemons.
	History *History `json:"history,omitempty"`
	// Groups are those that have a label, in the order of their ids.
	Groups []Group `json:"groups"`
	// Silences are those that hold now.
	Silences []ListedSilence `json:"silences"`
	// Destinations are those of all roles, by role and in the order of the files; missing in answers
	// of older daemons, and for visitors who see some groups alone.
	Destinations []Destination `json:"destinations,omitempty"`
	// Notes are what the probes cannot see from this machine, and what else people
	// should know of it, in sentences.
	Notes []string `json:"notes,omitempty"`
	// Node is the node that was asked; missing: the machine watches on its own.
	Node *Node `json:"node,omitempty"`
}

// A Group is a group of checks and what people call it.
type Group struct {
	ID    config.GroupID `json:"id"`
	Label string         `json:"label"`
}

// Probes say whether probes begin when they should.
type Probes struct {
	// LagS is how much later than its turn a probe began in the last minute or
	// two, or has not begun yet, in seconds: the most of all checks.
	LagS float64 `json:"lag_s"`
	// Waiting counts checks whose turn has come and who wait for one of
	// max_concurrent_probes.
	Waiting int `json:"waiting"`
	// Overdue are those of them that are late by more than two intervals, and by
	// 30 seconds.
	Overdue int `json:"overdue"`
}

// NotableLag is a lag that people should know of.
const NotableLag = 5 * time.Second

// Late reports whether people should know of it.
func (p Probes) Late() bool { return p.LagS >= NotableLag.Seconds() || p.Overdue > 0 }

// Journal is the health of the journal.
type Journal struct {
	Durable bool `json:"durable"`
	Damaged bool `json:"damaged"`
	// Error says why it is not durable, or else what is damaged, with the path;
	// empty: neither.
	Error string `json:"error"`
	// Clean: the daemon before this one closed it.
	Clean bool `json:"clean"`
	// TornBytes were cut off its end at the start: a write that a crash interrupted.
	TornBytes int64 `json:"torn_bytes"`
	// Quarantined are the paths of damaged files, which are kept.
	Quarantined []string `json:"quarantined"`
}

// Notifications counts deliveries.
type Notifications struct {
	Queued int `json:"queued"` // not delivered yet
	Held   int `json:"held"`   // of these: not sent yet, see Delivery.Held
	Dead   int `json:"dead"`
	// Retrying, of those that are queued, were tried in vain and are tried again.
	Retrying int `json:"retrying"`
	// Failing are the notifiers of those that are retried or dead.
	Failing []config.NotifierID `json:"failing"`
}

// Log says whether the daemon's log reaches whoever should read it.
type Log struct {
	// Lost counts the lines, since the start, for which there was no room because
	// nobody read what was written before, or which could not be written.
	Lost       int64      `json:"lost"`
	LastLostAt *time.Time `json:"last_lost_at"` // null: none is lost
	// Waiting are the lines that have not been written, WaitingS how long the first
	// of them has been waiting, in seconds.
	Waiting  int     `json:"waiting"`
	WaitingS float64 `json:"waiting_s"`
}

// History says whether what was is remembered. Alarms do not need it.
type History struct {
	Writable bool `json:"writable"`
	// Error says why it is not; empty: it is, or the daemon has just started.
	Error string `json:"error"`
	// Dropped counts the observations and changes, since the start, for which there was no
	// room while it could not be written.
	Dropped   uint64     `json:"dropped"`
	SizeBytes int64      `json:"size_bytes"`
	Since     *time.Time `json:"since"` // when it was begun; null: it is not known yet
}

// NewHistory turns the health of the history into what `status --json` prints.
func NewHistory(h history.Health) *History {
	return &History{Writable: h.Writable, Error: h.Error, Dropped: h.Dropped, SizeBytes: h.Bytes, Since: moment(h.Since)}
}

// ConfigState says what stands behind the checks that run.
type ConfigState string

// The states of the configuration.
const (
	Current  ConfigState = "current"   // the files, as they are
	Rejected ConfigState = "rejected"  // the files are in error; what ran before goes on
	LastGood ConfigState = "last_good" // started from the last good source
)

// Config is the configuration's part of a Status.
type Config struct {
	State    ConfigState `json:"state"`
	LoadedAt time.Time   `json:"loaded_at"`
	Digest   string      `json:"digest"`
	Error    string      `json:"error"`
	// RejectedAt is since when the files have been in error.
	RejectedAt time.Time `json:"rejected_at,omitzero"`
	// LastReload is the last one that applied something; nil: none since the start.
	LastReload *LastReload `json:"last_reload,omitempty"`
	// Polling says why file-system events are not to be had, so that a change is
	// noticed by the next content check; empty: they are.
	Polling string `json:"polling,omitempty"`
}

// Check is one check in `status --json`.
type Check struct {
	ID          config.CheckID      `json:"id"`
	Label       string              `json:"label"`
	Server      string              `json:"server"`
	Groups      []string            `json:"groups"`
	State       incident.CheckState `json:"state"`
	Phase       string              `json:"phase"`
	Cause       string              `json:"cause"`
	Hint        string              `json:"hint"`
	From        string              `json:"from,omitempty"` // which of several nodes see it
	Since       *time.Time          `json:"since"`
	LastProbeAt *time.Time          `json:"last_probe_at"`
	NextProbeAt *time.Time          `json:"next_probe_at"`
	Incidents   []incident.ID       `json:"incidents"`

	Host     string          `json:"host"`
	Port     int             `json:"port"`
	Security config.Security `json:"security"`
	// LatencyMS is how long the longest good conversation of the last probe took, with one
	// address from looking up the name to LOGOUT; null: none was good.
	LatencyMS *float64 `json:"latency_ms"`
	// CertificateNotAfter is when the first of the certificates ends that the last probe
	// saw; null: it saw none.
	CertificateNotAfter *time.Time `json:"certificate_not_after"`
	// ReportedFrom is when a failure becomes an incident unless a probe is good before
	// then, ClosesAt when a recovery closes its incident unless one fails; null: neither.
	ReportedFrom *time.Time `json:"reported_from"`
	ClosesAt     *time.Time `json:"closes_at"`
	// Acknowledged are the open incidents that a person works on.
	Acknowledged []Acknowledgement `json:"acknowledged"`
	// Silences are the ids of those that cover the check now, SilencedUntil is when the
	// last of them ends; null: there is none.
	Silences      []string   `json:"silences"`
	SilencedUntil *time.Time `json:"silenced_until"`
	// Maintenance is the one that the check is in; missing: none.
	Maintenance *Maintenance `json:"maintenance,omitempty"`
	// File and Line are where the check is written.
	File string `json:"file"`
	Line int    `json:"line"`
	// Locations are what each of several nodes sees; empty: one machine watches on its own.
	Locations []Location `json:"locations"`

	// CheckDetail is there where one check was asked for; nil otherwise.
	*CheckDetail
}

// A Maintenance is planned work that goes on.
type Maintenance struct {
	Name  string     `json:"name"`
	Until *time.Time `json:"until"` // at least; null: it has no end
}

// A Self is what the daemon knows of itself, beside what it watches.
type Self struct {
	Config Config
	Probes Probes
	Log    Log
	// History is how the history is; nil: it is not known.
	History *History
	Notes   []string
	// Destinations are those of all roles.
	Destinations []Destination
	// Node is this machine among others; nil: there are none.
	Node *Node
}

// NewStatus turns a snapshot into what `status --json` prints. next says when a check is
// probed next; zero: it is not known.
func NewStatus(s *tracker.Snapshot, self Self, next func(config.CheckID) time.Time) Status {
	return newStatus(view{s, everybody}, self, next)
}

func newStatus(s view, self Self, next func(config.CheckID) time.Time) Status {
	if !s.all() {
		self = self.forSome()
	}
	status := newOwnStatus(s, self)
	for c := range s.Checks() {
		v := newCheck(c, s.At, next)
		addSilences(&v, c.Check, status.Silences)
		status.Checks = append(status.Checks, v)
	}
	return status
}

// newOwnStatus is a status without the checks: how the daemon itself is.
func newOwnStatus(s view, self Self) Status {
	return Status{
		GeneratedAt: s.At, Config: self.Config, Journal: newJournal(s), Checks: []Check{},
		Notifications: newNotifications(s), Probes: self.Probes, Log: self.Log, Notes: self.Notes, History: self.History, Destinations: self.Destinations,
		Silences: activeSilences(s), Groups: labelledGroups(s), Node: self.Node,
	}
}

// forSome returns what those may know of the daemon who see some of the checks alone: its files,
// its log and its counts tell of the others, too.
func (s Self) forSome() Self {
	return Self{Config: Config{State: s.Config.State, LoadedAt: s.Config.LoadedAt}, Probes: Probes{LagS: s.Probes.LagS}}
}

func newNotifications(s view) Notifications {
	if !s.all() {
		return countNotifications(s)
	}
	queued, dead := s.Counts()
	held := s.CountHeld()
	retrying, failing := s.Stuck()
	// JSON says [], not null.
	return Notifications{Queued: queued + held, Held: held, Dead: dead, Retrying: retrying, Failing: append([]config.NotifierID{}, failing...)}
}

// countNotifications counts the messages about the incidents that a visitor sees, each once.
func countNotifications(s view) Notifications {
	n, failing := Notifications{Failing: []config.NotifierID{}}, map[config.NotifierID]bool{}
	for _, d := range NewDeliveries(slices.Collect(incidentsIn(s)), true).Deliveries {
		switch {
		case d.Neglected() && !d.Replaced:
			n.Dead++
		case d.Held != "":
			n.Held++
			n.Queued++
			continue
		case d.GivenUp(), d.State.Final():
			continue
		default:
			n.Queued++
			if d.State != outbox.Retrying && (d.State != outbox.Sending || d.Attempts == 0) {
				continue
			}
			n.Retrying++
		}
		failing[config.NotifierID(d.Notifier)] = true
	}
	n.Failing = append(n.Failing, slices.Sorted(maps.Keys(failing))...)
	return n
}

// labelledGroups lists the groups that have a label of their own.
func labelledGroups(s view) []Group {
	list := []Group{}    // JSON says [], not null
	if s.Config == nil { // a snapshot of before the first configuration
		return list
	}
	seen := map[config.GroupID]bool{}
	if !s.all() {
		for c := range s.Checks() {
			for _, id := range c.Path {
				seen[id] = true
			}
		}
	}
	for id, g := range s.Config.Groups {
		if g.Label != "" && g.Label != path.Base(string(id)) && (s.all() || seen[id]) {
			list = append(list, Group{id, g.Label})
		}
	}
	slices.SortFunc(list, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// activeSilences lists the silences that hold at the time of a snapshot, the first to end
// first.
func activeSilences(s view) []ListedSilence {
	list := []ListedSilence{}
	for _, silence := range newSilences(s, false).Silences {
		if !silence.From.After(s.At) {
			list = append(list, silence)
		}
	}
	return list
}

// addSilences notes in a check which silences cover it.
func addSilences(v *Check, c *config.Check, silences []ListedSilence) {
	for i := range silences {
		s := &silences[i]
		// From is a time at which it holds, since these do. A role is none of the check's.
		if !s.Covers(c.ID, c, "", s.From) {
			continue
		}
		v.Silences = append(v.Silences, s.ID)
		v.SilencedUntil = moment(s.Until) // the list is in the order of their ends
	}
}

func newJournal(s view) Journal {
	if !s.all() { // what is wrong with it names files, which tell of others
		return Journal{Durable: s.Journal.Durable, Damaged: s.Journal.Damaged, Clean: s.Journal.Clean, Quarantined: []string{}}
	}
	return Journal{
		Durable: s.Journal.Durable, Damaged: s.Journal.Damaged, Error: s.Journal.Detail, Clean: s.Journal.Clean,
		// JSON says [], not null.
		TornBytes: s.Journal.TornBytes, Quarantined: append([]string{}, s.Journal.Quarantined...),
	}
}

func newCheck(c tracker.Check, now time.Time, next func(config.CheckID) time.Time) Check {
	v := Check{
		ID: c.ID, Label: c.Label, Server: string(c.Server), Groups: c.GroupNames(),
		Host: c.Probe.Hostname, Port: int(c.Probe.Port), Security: c.Probe.Security, File: c.Pos.File, Line: int(c.Pos.Line),
		// JSON says [], not null.
		Incidents: []incident.ID{}, Acknowledged: []Acknowledgement{}, Silences: []string{}, Locations: []Location{},
	}
	// A paused check has no next probe.
	if c.Enabled {
		v.NextProbeAt = moment(next(c.ID))
	}
	if c.Last != nil {
		v.LastProbeAt = moment(c.Last.Newest())
	}
	state, gravest := c.State(now)
	if v.State = state; state == incident.CheckPaused {
		return v // what was found before is not so any more, or not known to be
	}
	if f := c.Finding(state, gravest); f != nil {
		v.Phase, v.Cause, v.Hint, v.From = f.Phase.String(), string(f.Cause), f.Hint, f.From
	}
	v.Since = moment(c.StateSince(state, gravest))
	if state == incident.CheckMaintenance {
		name, until := c.Maintenance(now)
		v.Maintenance = &Maintenance{name, moment(until)}
	}
	if gravest != nil {
		v.ReportedFrom, v.ClosesAt = moment(gravest.ReportedFrom(c.Policy)), moment(gravest.ClosesAt(c.Policy))
	}
	if c.Last != nil {
		v.LatencyMS, v.CertificateNotAfter, v.Locations = latency(c.Last), firstExpiry(c.Last), newLocations(c.Last)
	}
	for _, in := range c.Incidents {
		if !in.Open() {
			continue
		}
		v.Incidents = append(v.Incidents, in.ID)
		if a := newAcknowledgement(in); a != nil {
			v.Acknowledged = append(v.Acknowledged, *a)
		}
	}
	return v
}

// latency returns how long the longest good conversation took, in milliseconds; nil: none
// was good.
func latency(r *incident.Result) *float64 {
	var longest time.Duration
	for i := range r.Addresses {
		if a := &r.Addresses[i]; a.Health == incident.OK || a.Health == incident.Degraded {
			longest = max(longest, a.Timings[config.WholeConversation])
		}
	}
	if longest <= 0 {
		return nil
	}
	ms := Milliseconds(longest)
	return &ms
}

// firstExpiry returns when the first of the certificates ends that a probe saw; nil: it
// saw none.
func firstExpiry(r *incident.Result) *time.Time {
	var first time.Time
	for i := range r.Addresses {
		if t := r.Addresses[i].TLS; t != nil && (first.IsZero() || t.NotAfter.Before(first)) {
			first = t.NotAfter
		}
	}
	return moment(first)
}

// moment returns a time in UTC, or nil for one that is not known, so that JSON says null.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC().Round(0)
	return &utc
}
