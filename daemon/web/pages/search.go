package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A query is what the overview is narrowed to. The address of the page holds all of it.
type query struct {
	Text  string
	State string
	Group string

	words  []string
	cfg    *config.Config
	found  int                     // how many checks match
	hits   map[config.CheckID]bool // those of them that are shown
	groups map[config.GroupID]string
}

// mostQuery is how many bytes of a search are read. No name is longer.
const mostQuery = 256

func readQuery(r *http.Request, cfg *config.Config) *query {
	v := r.URL.Query()
	q := &query{Text: cutTo(v.Get("q"), mostQuery), State: v.Get("state"), Group: strings.Trim(cutTo(v.Get("group"), mostQuery), "/"), cfg: cfg}
	if !slices.Contains(incident.CheckStates(), incident.CheckState(q.State)) {
		q.State = ""
	}
	q.words = strings.Fields(strings.ToLower(q.Text))
	q.groups, q.hits = map[config.GroupID]string{}, map[config.CheckID]bool{}
	return q
}

func cutTo(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// asked reports whether the overview is narrowed at all.
func (q *query) asked() bool { return len(q.words) > 0 || q.State != "" || q.Group != "" }

// add notes that a check matches.
func (q *query) add(id config.CheckID) {
	if q.found++; q.found <= mostOpen {
		q.hits[id] = true
	}
}

// matches reports whether a check has all that is searched for: each word stands in its
// name, host, groups, roles or state.
func (q *query) matches(c *config.Check, state incident.CheckState) bool {
	if q.State != "" && q.State != string(state) {
		return false
	}
	if q.Group != "" && !slices.Contains(c.Path, config.GroupID(q.Group)) {
		return false
	}
	if len(q.words) == 0 {
		return true
	}
	text := q.textOf(c, state)
	return !slices.ContainsFunc(q.words, func(word string) bool { return !strings.Contains(text, word) })
}

// textOf returns what a check can be found by, in lower case.
func (q *query) textOf(c *config.Check, state incident.CheckState) string {
	parts := []string{string(c.ID), c.Label, c.Probe.Hostname, string(state)}
	if q.cfg != nil && c.Server != "" {
		if s := q.cfg.Servers[c.Server]; s != nil {
			parts = append(parts, s.Label)
		}
	}
	for _, id := range c.Path {
		parts = append(parts, q.groupText(id))
	}
	for _, role := range c.Roles {
		parts = append(parts, string(role), roleLabel(q.cfg, role))
	}
	return strings.ToLower(strings.Join(parts, "\n"))
}

// groupText returns what a group can be found by; it is asked for each check of it.
func (q *query) groupText(id config.GroupID) string {
	text, ok := q.groups[id]
	if !ok {
		text = string(id)
		if g := q.group(id); g != nil {
			text += "\n" + g.Label
		}
		q.groups[id] = text
	}
	return text
}

func (q *query) group(id config.GroupID) *config.Group {
	if q.cfg == nil {
		return nil
	}
	return q.cfg.Groups[id]
}

// groupLink returns the address of the overview, narrowed to a group.
func groupLink(id config.GroupID) string { return "/?group=" + url.QueryEscape(string(id)) }

// checkLink returns the address of a check. Its id stands in it as it is written.
func checkLink(id config.CheckID) string { return "/c/" + escapePath(string(id)) }

// incidentLink returns the address of an incident.
func incidentLink(id incident.ID) string { return "/i/" + escapePath(string(id)) }

// escapePath escapes what an address may not hold, but leaves slashes.
func escapePath(id string) string { return (&url.URL{Path: id}).EscapedPath() }
