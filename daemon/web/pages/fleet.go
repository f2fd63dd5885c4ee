package pages

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// mostOpen is up to how many checks the overview shows each of them; of more it shows those
// that need attention, and counts the others.
const mostOpen = 300

// A tally counts checks by their state, in the order of [incident.CheckStates].
type tally [8]int32

// places are where a tally counts each state.
var places = func() map[incident.CheckState]int {
	list := map[incident.CheckState]int{}
	for i, s := range incident.CheckStates() {
		list[s] = i
	}
	return list
}()

func (t *tally) of(s incident.CheckState) int { return int(t[places[s]]) }

func (t *tally) all() (sum int) {
	for _, n := range t {
		sum += int(n)
	}
	return sum
}

// troubled reports whether a person should look at a check in a state.
func troubled(s incident.CheckState) bool {
	return s == incident.CheckDown || s == incident.CheckFailing || s == incident.CheckDegraded ||
		s == incident.CheckRecovering || s == incident.CheckUnknown
}

// worst returns the gravest state that there is.
func (t *tally) worst() shownState {
	for i, s := range incident.CheckStates() {
		if t[i] > 0 {
			return shownState(s)
		}
	}
	return noState
}

// A fleet is all checks that a visitor sees, counted, and those of them that a page lists.
type fleet struct {
	api.Listing
	clock clock
	tally tally
	// servers counts the checks of each server by their state.
	servers map[config.ServerID]tally
	groups  map[config.GroupID]*groupTally
	top     []config.GroupID // the outermost groups, in natural order
	loose   tally            // of the checks that are in no group
	count   int
	bars    *bars // nil: there is no history
	// seesNoLocations says that this node cannot know how the checks are that others probe.
	seesNoLocations bool
}

// A groupTally counts what is in a group and the groups in it.
type groupTally struct {
	tally  tally
	checks []config.CheckID
	inner  []config.GroupID
}

// gather counts all checks and lists those that a query is about; without one, those that
// need attention, and all of them where they are few.
func gather(r *http.Request, d api.Daemon) (*fleet, *query, error) {
	s, err := d.Snapshot(r.Context())
	if err != nil {
		return nil, nil, err
	}
	f := &fleet{groups: map[config.GroupID]*groupTally{}}
	q := readQuery(r, s.Config)
	if s.Config != nil {
		f.servers = make(map[config.ServerID]tally, len(s.Config.Servers))
	}
	f.Listing = api.ListChecks(r.Context(), s, d.NextProbe, func(c *config.Check, state incident.CheckState) bool {
		f.add(c, state)
		if !q.asked() {
			return troubled(state) || f.few()
		}
		if q.matches(c, state) {
			q.add(c.ID)
		}
		return troubled(state) || q.hits[c.ID]
	})
	f.clock, f.seesNoLocations = clock{f.At, zoneOf(f.Config)}, d.Self().Node.SeesNoLocations()
	for _, g := range f.groups {
		slices.SortFunc(g.inner, config.NaturalOrder)
		slices.SortFunc(g.checks, config.NaturalOrder)
	}
	slices.SortFunc(f.top, config.NaturalOrder)
	slices.SortStableFunc(f.Checks, func(a, b api.Check) int { return config.NaturalOrder(a.ID, b.ID) })
	return f, q, nil
}

// zoneOf returns the zone in which the page shows times.
func zoneOf(cfg *config.Config) *time.Location {
	if cfg == nil {
		return time.Local
	}
	return cfg.PageZone()
}

// few reports whether there is room to show each check.
func (f *fleet) few() bool { return f.count <= mostOpen }

func (f *fleet) add(c *config.Check, state incident.CheckState) {
	place := places[state]
	f.tally[place]++
	f.count++
	if c.Server != "" {
		t := f.servers[c.Server]
		t[place]++
		f.servers[c.Server] = t
	}
	if len(c.Path) == 0 {
		f.loose[place]++
	}
	for i, id := range c.Path {
		g := f.groups[id]
		if g == nil {
			g = &groupTally{}
			f.groups[id] = g
			if i == 0 {
				f.top = append(f.top, id)
			} else {
				outer := f.groups[c.Path[i-1]]
				outer.inner = append(outer.inner, id)
			}
		}
		g.tally[place]++
		if i == len(c.Path)-1 && f.few() {
			g.checks = append(g.checks, c.ID)
		}
	}
}

// trouble returns the listed checks that need attention: the gravest first, of those the
// newest first, because what is new is not known to anybody yet.
func (f *fleet) trouble() (list []*api.Check) {
	for i := range f.Checks {
		if troubled(f.Checks[i].State) {
			list = append(list, &f.Checks[i])
		}
	}
	slices.SortStableFunc(list, func(a, b *api.Check) int {
		return cmp.Or(cmp.Compare(places[a.State], places[b.State]), cmp.Compare(sinceUnix(b), sinceUnix(a)))
	})
	return list
}

func sinceUnix(c *api.Check) int64 {
	if c.Since == nil {
		return 0
	}
	return c.Since.Unix()
}
