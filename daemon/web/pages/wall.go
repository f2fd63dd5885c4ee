package pages

import (
	"net/http"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A wallPage is how everything is, to be read from across a room. Nothing on it can be pressed.
type wallPage struct {
	Title    string // of the group; empty: everything
	State    shownState
	Sentence string
	Rest     string
	Rows     []checkRow
	More     int
	Groups   []groupRow
	At       stamp
}

const (
	mostWallRows   = 6
	mostWallGroups = 24
)

func (v *viewer) serveWall(w http.ResponseWriter, r *http.Request) {
	group := config.GroupID(strings.Trim(cutTo(r.URL.Query().Get("group"), mostQuery), "/"))
	r, ok := narrowTo(r, group)
	if !ok {
		api.WriteProblem(w, r, api.NewProblem(http.StatusNotFound, "There is no such group."))
		return
	}
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	if group != "" && f.groups[group] == nil {
		api.WriteProblem(w, r, api.NewProblem(http.StatusNotFound, "There is no such group."))
		return
	}
	p := f.wall(group)
	frame := newView(r, f, "", "Wall")
	frame.Nav, frame.canLogIn, frame.User = nil, false, ""
	frame.Content, frame.State, frame.Live = p, p.State, "wall"
	show(w, r, http.StatusOK, "wall", frame)
}

// narrowTo returns a request of the same visitor who sees one group alone; ok is false if they do
// not see all of it. An empty group is everything.
func narrowTo(r *http.Request, group config.GroupID) (narrowed *http.Request, ok bool) {
	visitor := *api.VisitorOf(r.Context())
	if group != "" {
		if visitor.Groups != nil && !slices.ContainsFunc(visitor.Groups, func(g config.GroupID) bool { return isWithin(group, g) }) {
			return r, false
		}
		visitor.Groups = []config.GroupID{group}
	}
	narrowed = r.Clone(api.WithVisitor(r.Context(), &visitor))
	narrowed.URL.RawQuery = "" // else it would be a search
	return narrowed, true
}

func (f *fleet) wall(group config.GroupID) *wallPage {
	trouble := f.attention()
	p := &wallPage{State: trouble.State, Sentence: trouble.Sentence, Rest: trouble.Rest, At: f.clock.at(&f.At)}
	p.Rows = trouble.Rows[:min(len(trouble.Rows), mostWallRows)]
	p.More = len(trouble.Rows) + trouble.More - len(p.Rows)
	inner := f.top
	if group != "" {
		p.Title, inner = f.groupLabel(group, ""), f.groups[group].inner
	}
	for _, id := range inner[:min(len(inner), mostWallGroups)] {
		g := f.groups[id]
		p.Groups = append(p.Groups, groupRow{ID: id, Label: f.groupLabel(id, group), State: g.tally.worst(), Counts: countsOf(&g.tally)})
	}
	return p
}
