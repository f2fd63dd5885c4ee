package pages

import (
	"net/http"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// An overview is how everything is, trouble first.
type overview struct {
	Trouble attention
	Query   *query
	States  []count // those that there are, to choose from
	Found   *found  // what a search has found; nil: nothing is searched for
	Groups  []groupRow
	Notes   []string // what people should know of the monitor itself
	Notices []notice
	History string // what the bars cannot show
}

// attention is the sentence that says how everything is, and the checks that need a person.
// It is sent again whenever it changes.
type attention struct {
	State    shownState
	Sentence string
	Rest     string // what the sentence has no room for
	Rows     []checkRow
	More     int // those that are not in Rows
	MoreLink string
	MoreWord string // the state of the first of them
	At       stamp
}

// A found is what a search has found.
type found struct {
	Title string
	Rows  []checkRow
	More  int
}

// A notice is an announcement of the operator that holds now.
type notice struct {
	State shownState
	Text  string
	Until stamp
}

// mostTrouble is how many checks that need attention are listed.
const mostTrouble = 100

func (v *viewer) serveOverview(w http.ResponseWriter, r *http.Request) {
	f, q, err := gather(r, v.Daemon)
	if err != nil {
		WriteFault(w, r, nil, Fault{Status: http.StatusServiceUnavailable})
		return
	}
	f.bars = v.bars.get(r.Context(), v.history(), f.Config, f.At)
	o := f.overview(q)
	o.Notes = v.notes(r)
	frame := newFrame(r, f.Config, "/", "")
	frame.Feed = "/feed.atom"
	frame.Content, frame.At, frame.State, frame.Live = o, clock{f.At, f.clock.zone}.at(&f.At), o.Trouble.State, "overview"
	frame.Refresh = !q.asked()
	show(w, r, http.StatusOK, "overview", frame)
}

// serveTrouble answers the sentence and what needs attention, for a page that is open.
func (v *viewer) serveTrouble(w http.ResponseWriter, r *http.Request) {
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		http.Error(w, "the daemon does not answer", http.StatusServiceUnavailable)
		return
	}
	showPart(w, r, "attention", f.attention())
}

// notes are what people should know of the monitor itself, for those who see everything.
func (v *viewer) notes(r *http.Request) []string {
	if api.VisitorOf(r.Context()).Groups != nil {
		return nil
	}
	self := v.Daemon.Self()
	notes := slices.Clone(self.Notes)
	switch self.Config.State {
	case api.Rejected:
		notes = append(notes, "The files are in error, so the configuration of before is used.")
	case api.LastGood:
		notes = append(notes, "The files are in error, so the last good configuration is used.")
	case api.Current:
	}
	if self.Probes.Late() {
		notes = append(notes, "Probes begin late: this machine has too much to do.")
	}
	return notes
}

func (f *fleet) overview(q *query) overview {
	o := overview{Trouble: f.attention(), Query: q, States: countsOf(&f.tally), Notices: f.notices()}
	if f.bars != nil {
		o.History = f.bars.note(f.clock)
	}
	if q.asked() {
		o.Found = f.results(q)
		o.Trouble.Rows, o.Trouble.More = nil, 0 // people look for something else now
		return o
	}
	rows := map[config.CheckID]checkRow{}
	if f.few() {
		for i := range f.Checks {
			rows[f.Checks[i].ID] = f.rowOf(&f.Checks[i])
		}
	}
	o.Groups = f.groupRows(rows)
	return o
}

func (f *fleet) attention() attention {
	a := attention{State: f.tally.worst(), At: f.clock.at(&f.At)}
	a.Sentence, a.Rest = f.sentence()
	trouble := f.trouble()
	if f.tally.of(incident.CheckOK)+f.tally.of(incident.CheckPaused)+f.tally.of(incident.CheckMaintenance) == f.tally.all() {
		a.State = shownState(incident.CheckOK)
	}
	if f.tally.all() == 0 {
		a.State = noState
	}
	if a.More = max(0, len(trouble)-mostTrouble); a.More > 0 {
		next := trouble[mostTrouble].State
		a.MoreLink, a.MoreWord = "/?state="+string(next), shownState(next).Word()
	}
	for _, c := range trouble[:len(trouble)-a.More] {
		a.Rows = append(a.Rows, f.rowOf(c))
	}
	return a
}

func (f *fleet) results(q *query) *found {
	r := &found{Title: counted(q.found, "check", "checks"), More: q.found - len(q.hits)}
	for i := range f.Checks {
		if q.hits[f.Checks[i].ID] {
			r.Rows = append(r.Rows, f.rowOf(&f.Checks[i]))
		}
	}
	return r
}

// notices are the announcements that hold now and concern what the visitor sees.
func (f *fleet) notices() (list []notice) {
	if f.Config == nil {
		return nil
	}
	kinds := map[config.AnnouncementKind]shownState{
		config.AnnounceMaintenance: "maintenance", config.AnnounceOutage: "down", config.AnnounceInfo: noState,
	}
	for i := range f.Config.Announcements {
		a := &f.Config.Announcements[i]
		seen := len(a.Groups) == 0 || slices.ContainsFunc(a.Groups, func(g config.GroupID) bool { return f.groups[g] != nil })
		if seen && !a.From.After(f.At) && a.Until.After(f.At) {
			list = append(list, notice{kinds[a.Kind], a.Text, f.clock.at(&a.Until)})
		}
	}
	return list
}
