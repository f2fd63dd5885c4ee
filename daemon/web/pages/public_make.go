package pages

import (
	"context"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A publicMaker makes public pages. It holds what nobody but the daemon may know.
type publicMaker struct {
	api.Listing
	cfg       *config.Config
	group     config.GroupID
	clock     clock
	incidents []api.Incident
	open      map[config.CheckID][]*api.Incident
	services  []*service
}

// A service is the checks that have one name for the public.
type service struct {
	name    string
	section config.GroupID
	checks  []*api.Check
}

// newPublicMaker reads what is public of a group; empty: of all that are. It returns nil for a
// group that is not public, whether it exists or not.
func newPublicMaker(ctx context.Context, d api.Daemon, group config.GroupID) (*publicMaker, error) {
	s, err := d.Snapshot(ctx)
	if err != nil || s.Config == nil || !isPublic(s.Config, group) {
		return nil, err
	}
	// The same for everybody, whoever asks: api leaves out what is in no public group.
	ctx = api.WithVisitor(ctx, &api.Visitor{Groups: publicGroups(s.Config, group)})
	m := &publicMaker{cfg: s.Config, group: group}
	return m, m.read(ctx, d, func(*config.Check) bool { return true })
}

// read reads the checks that are wanted, of those that the visitor of ctx sees.
func (m *publicMaker) read(ctx context.Context, d api.Daemon, wanted func(*config.Check) bool) error {
	s, err := d.Snapshot(ctx)
	if err != nil {
		return err
	}
	m.cfg, m.clock, m.open = s.Config, clock{s.At, zoneOf(s.Config)}, map[config.CheckID][]*api.Incident{}
	m.Listing = api.ListChecks(ctx, s, d.NextProbe, func(c *config.Check, _ incident.CheckState) bool { return wanted(c) })
	slices.SortStableFunc(m.Checks, func(a, b api.Check) int { return config.NaturalOrder(a.ID, b.ID) })
	list, err := api.IncidentsFor(ctx, d)
	if err != nil {
		return err
	}
	m.incidents = list.Incidents
	for i := range m.incidents {
		if in := &m.incidents[i]; isOpen(in) {
			m.open[in.Check] = append(m.open[in.Check], in)
		}
	}
	m.name()
	return nil
}

// isPublic reports whether a group has a public page; empty: whether anything has.
func isPublic(cfg *config.Config, group config.GroupID) bool {
	if group == "" {
		return len(cfg.Page.PublicGroups) > 0
	}
	return cfg.Groups[group] != nil && slices.ContainsFunc(cfg.Page.PublicGroups, func(g config.GroupID) bool { return isWithin(group, g) })
}

// publicGroups returns what the page of a group shows.
func publicGroups(cfg *config.Config, group config.GroupID) []config.GroupID {
	if group == "" {
		return cfg.Page.PublicGroups
	}
	return []config.GroupID{group}
}

// isWithin reports whether a group is another one, or in it.
func isWithin(group, outer config.GroupID) bool {
	return group == outer || strings.HasPrefix(string(group), string(outer)+"/")
}

// name puts the checks into services, in the order of their sections.
func (m *publicMaker) name() {
	known := map[string]*service{}
	for i := range m.Checks {
		c := &m.Checks[i]
		check := m.cfg.Checks[c.ID]
		if check == nil {
			continue
		}
		var section config.GroupID // a badge may be of a check that is in no group
		if n := len(check.Path); n > 0 {
			section = check.Path[n-1]
		}
		name := m.cfg.PublicName(check)
		s := known[string(section)+"\n"+name]
		if s == nil {
			s = &service{name: name, section: section}
			known[string(section)+"\n"+name] = s
			m.services = append(m.services, s)
		}
		s.checks = append(s.checks, c)
	}
	slices.SortStableFunc(m.services, func(a, b *service) int { return config.NaturalOrder(a.section, b.section) })
}

// longestLabel is how much of a label is shown to everybody.
const longestLabel = 200

// groupName returns what people call a group.
func groupName(cfg *config.Config, id config.GroupID) string { return cfg.PublicGroupName(id) }

// sectionTitle returns the labels of a group and of those that it is in, as far as they are
// public and not what the whole page is about.
func (m *publicMaker) sectionTitle(section config.GroupID) string {
	var labels []string
	for i, part := range strings.SplitAfter(string(section), "/") {
		id := config.GroupID(strings.TrimSuffix(strings.Join(strings.SplitAfter(string(section), "/")[:i], "")+part, "/"))
		if isPublic(m.cfg, id) && id != m.group && (m.group == "" || isWithin(id, m.group)) {
			labels = append(labels, groupName(m.cfg, id))
		}
	}
	return strings.Join(labels, " / ")
}

// page makes the page. bars are those of the checks that are on it; nil: nothing is known of the
// past.
func (m *publicMaker) page(b *bars) *publicPage {
	p := &publicPage{at: m.clock, Home: "/p/", Notices: m.announcements(), Coming: m.coming()}
	if m.group != "" {
		p.Title = groupName(m.cfg, m.group)
	}
	folder := strings.TrimSuffix(publicLink(m.group), "/")
	p.Feed, p.Calendar = folder+"/feed.atom", folder+"/coming.ics"
	m.sections(p, b)
	m.happened(p)
	m.sentence(p)
	if b != nil {
		p.Note = b.publicNote(m.clock)
	}
	return p
}

// publicLink returns the address of the page of a group.
func publicLink(group config.GroupID) string { return "/p/" + escapePath(string(group)) }

// mostPublic is how many services a public page lists; of more it lists those that have a
// problem.
const mostPublic = 300

// sections lists the services by their groups.
func (m *publicMaker) sections(p *publicPage, b *bars) {
	for _, s := range m.services {
		n := len(p.Sections)
		title := m.sectionTitle(s.section)
		if n == 0 || p.Sections[n-1].Title != title {
			section := publicSection{Title: title}
			if title != "" {
				section.Link = publicLink(s.section)
			}
			if past, known := b.ofGroup(s.section); known {
				_, section.Percent = b.strip(past)
			}
			p.Sections, n = append(p.Sections, section), n+1
		}
		shown := m.publicCheck(s, b)
		if len(m.services) > mostPublic && shown.State == "ok" {
			p.Sections[n-1].More++
			continue
		}
		p.Sections[n-1].Services = append(p.Sections[n-1].Services, shown)
	}
}

func (b *bars) ofGroup(id config.GroupID) (past pastDays, known bool) {
	if b == nil || b.err != nil {
		return past, false
	}
	past, known = b.groups[id]
	return past, known
}

func (m *publicMaker) publicCheck(s *service, b *bars) publicCheck {
	state := m.stateOf(s)
	v := publicCheck{Label: s.name, State: state.shown, Word: state.word(), Since: m.clock.at(state.since)}
	if b == nil || b.err != nil {
		return v
	}
	var past pastDays
	for _, c := range s.checks {
		if days, known := b.checks[c.ID]; known {
			past = past.with(days)
		}
	}
	if past.days != nil {
		v.Strip, v.Percent = b.strip(past)
	}
	return v
}
