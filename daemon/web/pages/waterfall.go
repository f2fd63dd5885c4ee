package pages

import (
	"math"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A waterfall is one conversation with an address, phase by phase as it went, and behind each
// phase how long it usually takes. Where it failed the usual ones go on alone.
type waterfall struct {
	Address, Node string // Node is empty where there is one machine
	State         shownState
	What, Hint    string // what is wrong with this address; empty: nothing
	TLS           string
	Rows          []phaseRow
	Ticks         []tick
	Limit         string // where the limit of the whole conversation is; empty: beyond the picture
	Now, Usual    string
	LimitText     string
}

// A phaseRow is one phase. Places are parts of the width, in per cent.
type phaseRow struct {
	Key, Name  string
	Now, Usual string
	Bar, Ghost *bounds // nil: it was not reached, or is not known
	Limit      string  // where the limit of the phase is; empty: none, or beyond the picture
	Step       string  // where the next phase begins; empty: there was none
	Stopped    string  // where the conversation ended in this phase; empty: it went on
	Slow       bool    // it took longer than its limit
	Beyond     bool    // the bar goes on beyond the picture
}

// bounds are where a bar begins, and how wide it is.
type bounds struct{ X, W string }

// A tick is a time of the axis.
type tick struct{ X, Text string }

// phaseNames are what the picture calls the phases, in few letters.
var phaseNames = map[config.Phase]string{
	config.PhaseDNS: "DNS", config.PhaseConnect: "Connect", config.PhaseTLS: "TLS", config.PhaseGreeting: "Greeting", config.PhaseCapability: "Capability",
	config.PhaseStartTLS: "STARTTLS", config.PhaseLogin: "Login", config.PhaseSelect: "Select", config.PhaseLogout: "Logout",
}

// conversationOrder returns the phases in the order in which a conversation goes through them.
func conversationOrder(s config.Security) []config.Phase {
	start := []config.Phase{config.PhaseDNS, config.PhaseConnect}
	end := []config.Phase{config.PhaseLogin, config.PhaseSelect, config.PhaseLogout}
	switch s {
	case config.StartTLS:
		start = append(start, config.PhaseGreeting, config.PhaseStartTLS, config.PhaseTLS, config.PhaseCapability)
	case config.Plain:
		start = append(start, config.PhaseGreeting, config.PhaseCapability)
	case config.TLSFromStart:
		start = append(start, config.PhaseTLS, config.PhaseGreeting, config.PhaseCapability)
	}
	return append(start, end...)
}

// newWaterfall draws a conversation. usual are the medians of the address, zero where they are
// not known; limits are those of the check.
func newWaterfall(a *api.AddressReport, security config.Security, usual, limits config.PhaseTimes) waterfall {
	w := waterfall{
		Address: a.Address, Node: a.Node, State: healthState(a.State), TLS: tlsText(a.TLS),
		Now: durationOrNothing(a.Timings[config.WholeConversation]), Usual: durationOrNothing(usual[config.WholeConversation]),
		LimitText: durationOrNothing(limits[config.WholeConversation]),
	}
	if a.State != incident.OK {
		w.What, w.Hint = causeText(a.Cause, a.Phase), a.Hint
	}
	now := config.PhaseTimes(a.Timings)
	order := conversationOrder(security)
	axis := newAxis(order, now, usual, limits[config.WholeConversation])
	w.Ticks, w.Limit = axis.ticks(), axis.placeOf(limits[config.WholeConversation])
	var at, ghostAt time.Duration
	for _, p := range order {
		failed := a.State != incident.OK && a.Phase == p && (a.State == incident.Down || now[p] == 0)
		if now[p] == 0 && usual[p] == 0 && !failed {
			continue // neither now nor usually
		}
		w.Rows = append(w.Rows, axis.row(p, at, ghostAt, now[p], usual[p], limits[p], failed))
		if n := len(w.Rows) - 1; n > 0 && now[p] > 0 && w.Rows[n-1].Bar != nil {
			w.Rows[n-1].Step = w.Rows[n].Bar.X
		}
		at, ghostAt = at+now[p], ghostAt+usual[p]
	}
	return w
}

// An axis is how long the picture is.
type axis struct{ length time.Duration }

// newAxis makes the picture long enough for what usually happens, and for what happened unless
// that is very long: of a conversation that waited for 10 seconds in vain the rest must still
// be seen.
func newAxis(order []config.Phase, now, usual config.PhaseTimes, limit time.Duration) axis {
	var took, usually time.Duration
	for _, p := range order {
		took, usually = took+now[p], usually+usual[p]
	}
	const most = 3
	length := took
	if usually > 0 {
		length = max(usually, min(took, most*usually))
	}
	if limit > 0 && limit < length*8/5 {
		length = max(length, limit)
	}
	return axis{max(time.Millisecond, length+length/20)}
}

func (x axis) row(p config.Phase, at, ghostAt, now, usual, limit time.Duration, failed bool) phaseRow {
	row := phaseRow{Key: p.TimeKey(), Name: phaseNames[p], Now: durationOrNothing(now), Usual: durationOrNothing(usual)}
	row.Slow = limit > 0 && now > limit
	if usual > 0 {
		row.Ghost = x.bounds(ghostAt, usual)
	}
	if now > 0 {
		row.Bar = x.bounds(at, now)
		row.Beyond = at+now > x.length
	}
	if limit > 0 && (now > 0 || usual > 0) {
		begin := at
		if now == 0 { // it was not reached, and is drawn where it usually is
			begin = ghostAt
		}
		row.Limit = x.placeOf(begin + limit)
	}
	if failed {
		row.Stopped = percentText(math.Min(x.part(at+now), 97.5))
	}
	return row
}

func (x axis) part(at time.Duration) float64 { return 100 * float64(at) / float64(x.length) }

// bounds returns where a time is drawn, wide enough to be seen.
func (x axis) bounds(from, length time.Duration) *bounds {
	const least = 0.6
	begin := math.Min(x.part(from), 100-least)
	return &bounds{percentText(begin), percentText(math.Min(math.Max(x.part(length), least), 100-begin))}
}

// placeOf returns where a time is; empty: beyond the picture, or there is none.
func (x axis) placeOf(at time.Duration) string {
	if at <= 0 || at > x.length {
		return ""
	}
	return percentText(x.part(at))
}

// ticks are round times, three to six of them.
func (x axis) ticks() (list []tick) {
	step := roundStep(x.length, 5)
	for at := step; at < x.length*19/20; at += step {
		list = append(list, tick{percentText(x.part(at)), tickTime(at)})
	}
	return list
}

// roundStep returns 1, 2 or 5 times a power of ten so that about n of them are a length.
func roundStep(length time.Duration, n int64) time.Duration {
	least := int64(length) / n
	for unit := int64(time.Microsecond); ; unit *= 10 {
		for _, m := range []int64{1, 2, 5} {
			if unit*m >= least {
				return time.Duration(unit * m)
			}
		}
	}
}

func tickTime(d time.Duration) string {
	if d >= time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
	}
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + " ms"
}

func percentText(p float64) string {
	return strconv.FormatFloat(math.Round(p*100)/100, 'f', -1, 64) + "%"
}

func durationOrNothing(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return shortTime(d)
}

func healthState(h incident.Health) shownState { return shownState(h) }

func tlsText(t *api.TLSReport) string {
	if t == nil {
		return ""
	}
	return t.Version + ", " + t.Cipher
}

// waterfallsOf draws the conversations of the last probe, in the order of the addresses.
func waterfallsOf(c *api.Check, check *config.Check, ghosts []history.Ghost) (list []waterfall) {
	if c.CheckDetail == nil || check == nil {
		return nil
	}
	for i := range c.Last {
		a := &c.Last[i]
		var usual config.PhaseTimes
		for g := range ghosts {
			if ghosts[g].Address.String() == a.Address {
				usual = ghosts[g].Median
			}
		}
		w := newWaterfall(a, check.Probe.Security, usual, check.Probe.Thresholds)
		if len(c.Locations) == 0 {
			w.Node = ""
		}
		list = append(list, w)
	}
	return list
}
