package outbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A World is what Plan compares the Book with: values only, none of which changes
// while Plan runs.
type World struct {
	Rates     Rates
	Subjects  []Subject
	Notifiers map[config.NotifierID]*config.Notifier // of the files
	Roles     map[config.RoleID]*config.Role         // of the files
	Silences  []Silence
	Calendar  *calendar.Calendar // nil: no schedules and no maintenance
	// Dependencies are what checks depend on, and Services how those are, and the
	// other checks of a subject's server, as far as it matters for the subjects.
	Dependencies *Dependencies
	Services     map[config.CheckID]Service
	// Monitor are the notify blocks of the daemon's own roles.
	Monitor []config.Notify
	// Started is when this process did: nothing could be delivered before.
	Started time.Time
}

// A Subject is an incident that some destination may have to hear of.
type Subject struct {
	incident.Incident
	// Config is the check as the files have it; nil: they do not.
	Config *config.Check
	// Notify of the roles that the check names now.
	Notify []config.Notify
	// Remind is the pause between reminders; 0: none.
	Remind time.Duration
	// Fresh: it was found failing since this process started.
	Fresh bool
	// FreshAt is when time alone makes it fresh; zero: an observation does.
	FreshAt time.Time
	// Told are the destinations that another node has told of it, in whose place this one decides.
	Told []Destination
	// Before are older incidents of the same topic that are over, and whose end may
	// not be decided yet.
	Before []incident.ID
}

// leavesUntold reports whether a destination need not be told of the beginning: another node has told it,
// somebody works on it, and it has not got worse since.
func (s *Subject) leavesUntold(to Destination) bool {
	return s.Acknowledged() && s.Worsened == 0 && slices.Contains(s.Told, to)
}

// Sort orders subjects by when they were reported, so that a message names
// them in the order in which they happened.
func Sort(subjects []Subject) {
	slices.SortFunc(subjects, func(a, b Subject) int {
		return cmp.Or(a.ReportedAt.Compare(b.ReportedAt), cmp.Compare(a.Check, b.Check), cmp.Compare(a.ID, b.ID))
	})
}

// kind returns the kind of a notifier that is in the files.
func (w *World) kind(id config.NotifierID) (notifiers.Kind, bool) {
	n, ok := w.Notifiers[id]
	if !ok {
		return "", false
	}
	return n.Settings.Kind(), true
}

// maxPerHour returns the bound of a notifier's messages in any hour; 0: none.
func (w *World) maxPerHour(id config.NotifierID) int {
	if n, ok := w.Notifiers[id]; ok {
		return n.MaxPerHour
	}
	return 0
}

func (w *World) hasRole(id config.RoleID) bool {
	_, ok := w.Roles[id]
	return ok
}
