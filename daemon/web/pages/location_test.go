package pages

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// refusedFromTwo is what three nodes agree on, of which two cannot connect.
var refusedFromTwo = func() incident.Finding {
	f := refusedFinding
	f.From = "2 of 3 nodes: frankfurt, london; well from new-york"
	return f
}()

// seenBy returns what each of five nodes sees of a check: two see it down, one sees it well, one is silent,
// and one is at fault itself.
func seenBy() []incident.Sighting {
	return []incident.Sighting{
		{
			Node: "fra1", Location: "frankfurt", Health: incident.Down, Standing: "failing", Phase: config.PhaseConnect, Cause: config.CauseRefused,
			Hint: refusedFinding.Hint, At: begin.Add(-12 * time.Second), Since: begin.Add(-17 * time.Minute),
		},
		{
			Node: "lon1", Location: "london", Health: incident.Down, Standing: "failing", Phase: config.PhaseGreeting, Cause: config.CauseBye,
			Evidence: opaque.Sanitise("* BYE <script>"), At: begin.Add(-31 * time.Second), Since: begin.Add(-16 * time.Minute),
		},
		{Node: "nyc1", Location: "new-york", Health: incident.OK, Standing: "well", At: begin.Add(-3 * time.Second), Took: 212 * time.Millisecond},
		{Node: "sgp1", Location: "sgp1", Health: incident.Unknown, Standing: "silent", At: begin.Add(-9 * time.Minute)},
		{
			Node: "syd1", Location: "sydney", Health: incident.Unknown, Standing: "at fault", Phase: config.PhaseConnect, Cause: config.CauseTimeout,
			At: begin.Add(-20 * time.Second),
		},
	}
}

// nodesStage is a fleet that several nodes watch: a server is down from two of them.
func nodesStage(t *testing.T) *stage {
	t.Helper()
	p := newPlan()
	p.check("mx1", "imaps", "IMAP over TLS")
	p.check("mx2", "imaps", "IMAP over TLS")
	p.check("mx3", "imaps", "IMAP over TLS")
	p.check("mx4", "imaps", "IMAP over TLS")
	var past written
	past.add(t, "incident."+string(incident.Failing), begin.Add(-17*time.Minute), fromTwo(incident.Failing, 17*time.Minute))
	past.add(t, "incident."+string(incident.Opened), begin.Add(-14*time.Minute), fromTwo(incident.Opened, 14*time.Minute))
	down, well := badProbe("mx2/imaps", refusedFromTwo, 4), wellProbe("mx1/imaps")
	other := well.Addresses[0]
	other.Node = "nyc1"
	down.Addresses = []incident.Address{down.Addresses[0], other}
	down.Addresses[0].Node = "fra1"
	down.Sightings = seenBy()
	well.Sightings = []incident.Sighting{{Node: "fra1", Location: "frankfurt", Health: incident.OK, Standing: "well", At: begin, Took: 90 * time.Millisecond}}
	asking, unreported := wellProbe("mx3/imaps"), badProbe("mx4/imaps", localFinding)
	asking.Sightings = seenBy()[:3]
	asking.Sightings[1] = incident.Sighting{Node: "lon1", Location: "london", Health: incident.OK, Standing: "asking", At: begin.Add(-40 * time.Second), Took: 90 * time.Millisecond}
	unreported.Findings[0].Hint = "No node reports on this check: sgp1 is silent; syd1 itself is at fault."
	unreported.Findings[0].Phase = 0
	unreported.Sightings = seenBy()[3:]
	s := newStage(t, p.Config, past, well, down, asking, unreported)
	since := begin.Add(-time.Hour)
	s.self.Node = &api.Node{Name: "fra1", Location: "frankfurt", Role: api.Following, Decider: "nyc1", Since: &since}
	return s
}

func fromTwo(kind incident.Kind, ago time.Duration) incident.Event {
	return incident.Event{
		Kind: kind, At: begin.Add(-ago), Since: begin.Add(-ago - 4*time.Second), Incident: "k3q9w2m7tx", Check: "mx2/imaps",
		Condition: config.ConditionService, Finding: &refusedFromTwo, Target: "mx2.example.org:993",
	}
}

// A joinedStage is a fleet of which three nodes remember something, and two do not answer.
type joinedStage struct {
	*stage
	nodes map[config.NodeID]summedPast // that answer
}

// A summedPast is a history whose points come to a sum.
type summedPast struct {
	*madePast
	sum []history.Point
}

func (p summedPast) Points(ctx context.Context, id config.CheckID, from, to time.Time, step time.Duration) ([]history.Point, error) {
	if step == to.Sub(from) {
		return p.sum, nil
	}
	return p.madePast.Points(ctx, id, from, to, step)
}

func newJoinedStage(t *testing.T) *joinedStage {
	point := func(n, down int, p50, p95, longest time.Duration) []history.Point {
		p := history.Point{At: begin.Add(-time.Hour), N: n, OK: n - down, Down: down, Max: longest}
		p.P50[config.WholeConversation], p.P95[config.WholeConversation], p.P99[config.WholeConversation] = p50, p95, p95+10*time.Millisecond
		return []history.Point{p}
	}
	own := measuredPast()
	own.lives["mx2/imaps"] = availability.Life{
		Bouts:     own.lives["mx2/imaps"].Bouts,
		Intervals: []availability.Interval{{From: begin.Add(-40 * time.Hour), To: begin.Add(-30 * time.Hour), Kind: availability.Unknown}},
	}
	other := &madePast{since: begin.AddDate(-2, 0, 0)}
	return &joinedStage{nodesStage(t), map[config.NodeID]summedPast{
		"fra1": {own, point(1405, 17, 128*time.Millisecond, 166*time.Millisecond, 1100*time.Millisecond)},
		"lon1": {other, point(1437, 18, 92*time.Millisecond, 131*time.Millisecond, 2400*time.Millisecond)},
		"nyc1": {other, point(1440, 0, 212*time.Millisecond, 260*time.Millisecond, 1900*time.Millisecond)},
	}}
}

// PastOfAll implements [api.Several].
func (s *joinedStage) PastOfAll() *elsewhere.Past {
	o := elsewhere.Options{Store: s.nodes["fra1"], Self: elsewhere.Node{ID: "fra1", Location: "frankfurt"}}
	for id, place := range map[config.NodeID]string{"lon1": "london", "nyc1": "new-york", "sgp1": "sgp1", "syd1": "sydney"} {
		o.Others = append(o.Others, elsewhere.Node{ID: id, Location: place, Live: id != "sgp1"})
	}
	slices.SortFunc(o.Others, func(a, b elsewhere.Node) int { return cmp.Compare(a.ID, b.ID) })
	o.Ask = func(ctx context.Context, node config.NodeID, question []byte) ([]byte, error) {
		past, answers := s.nodes[node]
		if !answers {
			return nil, errors.New("nobody listens")
		}
		return elsewhere.Answer(ctx, past, func() []config.CheckID { return slices.Collect(maps.Keys(s.snapshot.Config.Checks)) }, question), nil
	}
	return elsewhere.New(o)
}

// Where several nodes probe, pages say from where a check fails, and what each node sees.
func TestPagesSayFromWhere(t *testing.T) {
	of := &viewer{Options: Options{Daemon: newJoinedStage(t)}}
	for name, path := range map[string]string{"nodes-overview": "/", "nodes-check": "/c/mx2/imaps", "nodes-asking": "/c/mx3/imaps", "nodes-unreported": "/c/mx4/imaps", "nodes-incident": "/i/k3q9w2m7tx", "nodes-monitor": "/monitor"} {
		t.Run(name, func(t *testing.T) {
			a := askViewer(t, of, path, nil)
			if a.status != http.StatusOK {
				t.Fatalf("answered %d\n%s", a.status, a.body)
			}
			keep(t, name, a.body)
			page := parsePage(t, a.body)
			inspectPage(t, page)
			text := textOfPage(page)
			golden.Compare(t, filepath.Join("testdata", name+".txt"), text)
			golden.Plain(t, name, text)
		})
	}
}

// A node that reaches nobody who decides is what the page of the monitor shows first.
func TestTheMonitorSaysWhatANodeIs(t *testing.T) {
	for _, c := range []struct {
		node  api.Node
		state shownState
		word  string
	}{
		{api.Node{Name: "fra1", Role: api.Deciding, Decider: "fra1"}, "ok", "fra1 decides for all nodes"},
		{api.Node{Name: "fra1", Role: api.Following, Decider: "nyc1"}, "ok", "fra1 follows nyc1, which decides for all nodes"},
		{api.Node{Name: "fra1", Role: api.Following}, "down", "fra1 reaches no node that decides"},
		{api.Node{Name: "fra1", Role: api.Alone}, "down", "fra1 is alone: it reaches no node that decides, and decides for itself"},
	} {
		if m := (&fleet{}).nodePart(&c.node); m.State != c.state || m.Word != c.word {
			t.Errorf("%+v is %s: %s", c.node, m.State, m.Word)
		}
	}
}

// On a node that follows, and reaches no node that decides, nobody knows what each node sees.
func TestPageOfANodeThatReachesNobody(t *testing.T) {
	p := newPlan()
	p.check("mx1", "imaps", "IMAP over TLS")
	s := newStage(t, p.Config, nil)
	s.self.Node = &api.Node{Name: "fra1", Location: "frankfurt", Role: api.Following}
	of := &viewer{Options: Options{Daemon: s}, past: &madePast{since: begin.AddDate(0, 0, -30)}}
	text := textOfPage(parsePage(t, askViewer(t, of, "/c/mx1/imaps", nil).body))
	if !strings.Contains(text, "Only the node that decides knows what each node sees, and none is reached.") {
		t.Errorf("it shows\n%s", text)
	}
}

// A node that follows and reaches none that decides knows nothing of checks that others probe: it does not say that
// they were not probed.
func TestAFollowerDoesNotSayThatACheckWasNotProbed(t *testing.T) {
	c := &api.Check{State: incident.CheckUnknown}
	for seesNone, want := range map[bool]string{false: "Not probed yet", true: "Not known here: only the node that decides knows how it is"} {
		if got := (&fleet{seesNoLocations: seesNone}).whatIsWrong(c); got != want {
			t.Errorf("where a node cannot know it (%t): %q", seesNone, got)
		}
	}
}
