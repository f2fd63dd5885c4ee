package pages

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// What a badge can show.
const (
	showState       = "state"
	showUptime      = "uptime"
	showLatency     = "latency"
	showCertificate = "certificate"
)

// A badgeQuery is what a badge is asked to show, and of what.
type badgeQuery struct {
	check  config.CheckID
	group  config.GroupID // where check is empty; empty too: all that is public
	show   string
	window span
	// private has the badge made of what the visitor sees, not of what is public.
	private bool
}

// A keptBadge is one that was made last.
type keptBadge struct {
	badge badge
	made  time.Time
}

// serveBadge answers /badge/NAME.svg and .json, where NAME is that of a check or a group, and
// /badge/NAME/SHOW.svg, which is /badge/NAME.svg?show=SHOW.
func (v *viewer) serveBadge(w http.ResponseWriter, r *http.Request) {
	kind := path.Ext(r.PathValue("path"))
	s, err := v.Daemon.Snapshot(r.Context())
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	q := readBadgeQuery(r, s.Config, strings.TrimSuffix(r.PathValue("path"), kind))
	if q == nil || kind != ".svg" && kind != ".json" {
		api.WriteProblem(w, r, api.NewProblem(http.StatusNotFound, "There is no badge with this name that everybody may see. With a token for reading there may be."))
		return
	}
	b, err := v.badge(r, q)
	switch {
	case err != nil:
		api.WriteProblem(w, r, err)
	case kind == ".svg":
		b.writeSVG(w, r, !q.private)
	default:
		b.writeJSON(w, r, !q.private)
	}
}

// readBadgeQuery finds what a badge is about; nil: there is nothing that the visitor may see.
func readBadgeQuery(r *http.Request, cfg *config.Config, name string) *badgeQuery {
	if cfg == nil {
		return nil
	}
	q := newBadgeQuery(r)
	if !q.find(r, cfg, name) { // a check with the name of what can be shown goes first
		q.show = path.Base(name)
		if !q.find(r, cfg, path.Dir(name)) {
			return nil
		}
	}
	if !q.isKnown() {
		return nil
	}
	return q
}

// newBadgeQuery reads what a badge is to show: without a word the availability of a window, or
// else the state.
func newBadgeQuery(r *http.Request) *badgeQuery {
	v := r.URL.Query()
	q := &badgeQuery{show: v.Get("show"), window: windowOf(v.Get("window"), v.Get("period"))}
	switch {
	case q.show != "":
	case v.Get("window") != "" || v.Get("period") != "":
		q.show = showUptime
	default:
		q.show = showState
	}
	return q
}

func (q *badgeQuery) isKnown() bool {
	return slices.Contains([]string{showState, showUptime, showLatency, showCertificate}, q.show)
}

// servePublicBadge answers the badge of a public page.
func (v *viewer) servePublicBadge(w http.ResponseWriter, r *http.Request, group config.GroupID, name string) {
	q := newBadgeQuery(r)
	if q.group = group; !q.isKnown() {
		publicFault(w, r, name, http.StatusNotFound)
		return
	}
	b, err := v.badge(r, q)
	if err != nil {
		publicFault(w, r, name, http.StatusServiceUnavailable)
		return
	}
	b.writeSVG(w, r, true)
}

// windowOf returns the window that is asked for, or 30 days.
func windowOf(names ...string) span {
	for _, name := range append(names, "30d") {
		if i := slices.IndexFunc(spans, func(s span) bool { return s.Key == name }); i >= 0 {
			return spans[i]
		}
	}
	return spans[0]
}

// find looks for a check or a group that the visitor may see. What is public is the same for
// everybody.
func (q *badgeQuery) find(r *http.Request, cfg *config.Config, name string) bool {
	visitor, anybody := api.VisitorOf(r.Context()), &api.Visitor{Groups: append([]config.GroupID{}, cfg.Page.PublicGroups...)}
	if c := cfg.Checks[config.CheckID(name)]; c != nil {
		q.check, q.group, q.private = c.ID, "", !anybody.Sees(c)
		return !q.private || visitor.May(api.See) && visitor.Sees(c)
	}
	group := config.GroupID(name)
	if cfg.Groups[group] == nil || group == "" {
		return false
	}
	q.check, q.group, q.private = "", group, !isPublic(cfg, group)
	sees := visitor.Groups == nil || slices.ContainsFunc(visitor.Groups, func(g config.GroupID) bool { return isWithin(group, g) })
	return !q.private || visitor.May(api.See) && sees
}

// badge returns a badge. One that is public is made once a minute, as often as it is asked for.
func (v *viewer) badge(r *http.Request, q *badgeQuery) (badge, error) {
	if q.private {
		return v.makeBadge(r.Context(), q)
	}
	k, key := &v.public, strings.Join([]string{string(q.check), string(q.group), q.show, q.window.Key}, "\n")
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept, ok := k.badges[key]; ok && time.Since(kept.made) < publicFor {
		return kept.badge, nil
	}
	s, err := v.Daemon.Snapshot(r.Context())
	if err != nil {
		return badge{}, err
	}
	ctx := api.WithVisitor(context.WithoutCancel(r.Context()), &api.Visitor{Groups: append([]config.GroupID{}, s.Config.Page.PublicGroups...)})
	b, err := v.makeBadge(ctx, q)
	if err != nil {
		return b, err
	}
	if k.badges == nil || len(k.badges) >= mostKept {
		k.badges = map[string]keptBadge{}
	}
	k.badges[key] = keptBadge{b, time.Now()}
	return b, nil
}

// makeBadge makes a badge of what the visitor of ctx sees.
func (v *viewer) makeBadge(ctx context.Context, q *badgeQuery) (badge, error) {
	ctx, cancel := context.WithTimeout(ctx, barsTime)
	defer cancel()
	m := &publicMaker{}
	err := m.read(ctx, v.Daemon, func(c *config.Check) bool {
		return q.check == c.ID || q.check == "" && (q.group == "" || slices.Contains(c.Path, q.group))
	})
	if err != nil {
		return badge{}, err
	}
	b := badge{Label: m.badgeLabel(q), Message: availability.NoData, State: noState}
	switch q.show {
	case showState:
		m.showState(&b)
	case showUptime:
		b.Message, b.State = m.uptime(ctx, v.history(), q.window)
	case showLatency:
		b.Message = m.latency(ctx, v.history(), q)
		if b.Message != availability.NoData {
			b.State = "ok"
		}
	case showCertificate:
		m.showCertificate(&b)
	}
	return b, nil
}

func (m *publicMaker) badgeLabel(q *badgeQuery) string {
	if q.group != "" {
		return groupName(m.cfg, q.group)
	}
	if c := m.cfg.Checks[q.check]; c != nil {
		return m.cfg.PublicName(c)
	}
	return opaque.Bounded(pageName(m.cfg), longestLabel)
}

// showState says how the services together are, in the words of the public page.
func (m *publicMaker) showState(b *badge) {
	worst := serviceState{shown: noState}
	for _, s := range m.services {
		one := m.stateOf(s)
		if worst.shown == noState || publicWeight(one.shown) < publicWeight(worst.shown) {
			worst = one
		}
	}
	if worst.shown != noState {
		b.Message, b.State = worst.word(), worst.shown
	}
}

// The availability from which on a badge is green, and from which on it is amber.
const (
	goodUptime = 0.99
	fairUptime = 0.95
)

// uptime says the availability of all checks together in a window.
func (m *publicMaker) uptime(ctx context.Context, past lives, window span) (string, shownState) {
	if past == nil {
		return availability.NoData, noState
	}
	since, err := past.CompleteSince(ctx)
	if err != nil {
		return availability.NoData, noState
	}
	ids := make([]config.CheckID, len(m.Checks))
	for i := range m.Checks {
		ids[i] = m.Checks[i].ID
	}
	now := m.clock.now
	known, err := feltLives{past, m.unfelt()}.Lives(ctx, ids, now.Add(-window.Length), now)
	if err != nil {
		return availability.NoData, noState
	}
	var sum availability.Seconds
	for id, life := range known {
		corrections := api.CorrectionsOf(m.cfg, m.cfg.Checks[id])
		sum = sum.Plus(availability.Measure(sinceKnown(life, since), now.Add(-window.Length), now, now, corrections))
	}
	figure := sum.Figures().Availability
	switch {
	case figure == nil:
		return availability.NoData, noState
	case *figure >= goodUptime:
		return availability.Percent(figure) + " in " + window.Name, "ok"
	case *figure >= fairUptime:
		return availability.Percent(figure) + " in " + window.Name, "degraded"
	}
	return availability.Percent(figure) + " in " + window.Name, "down"
}

// latency says how long a conversation takes: of a check the median of a window, of a group the
// longest that was just measured.
func (m *publicMaker) latency(ctx context.Context, past pastReader, q *badgeQuery) string {
	if q.check != "" && past != nil {
		now := m.clock.now
		points, err := past.Points(ctx, q.check, now.Add(-q.window.Length), now, q.window.Length)
		if err == nil && len(points) > 0 {
			if median := points[len(points)-1].P50[config.WholeConversation]; median > 0 {
				return shortTime(median)
			}
		}
	}
	var longest float64
	for i := range m.Checks {
		if ms := m.Checks[i].LatencyMS; ms != nil {
			longest = max(longest, *ms)
		}
	}
	if longest == 0 {
		return availability.NoData
	}
	return milliseconds(&longest)
}

// showCertificate says how long the certificate holds that ends first.
func (m *publicMaker) showCertificate(b *badge) {
	var first *time.Time
	for i := range m.Checks {
		first = earlier(first, m.Checks[i].CertificateNotAfter)
	}
	if first == nil {
		return
	}
	left := first.Sub(m.clock.now)
	switch b.State = "ok"; {
	case left <= 0:
		b.Message, b.State = "certificate expired", "down"
		return
	case left < soonEnding:
		b.State = "degraded"
	}
	b.Message = "certificate " + roundDays(left)
}

// soonEnding is from when on the end of a certificate is near.
const soonEnding = 21 * aDay
