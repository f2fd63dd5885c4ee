package elsewhere_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
	"github.com/imapvigil/imapvigil/daemon/history"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func after(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

// A memory is the history of a node that a test makes.
type memory struct {
	elsewhere.Store
	complete time.Time
	lives    map[config.CheckID][]availability.Interval
	point    *history.Point
	fails    error
}

func (m *memory) CompleteSince(context.Context) (time.Time, error) { return m.complete, m.fails }

func (m *memory) Lives(_ context.Context, checks []config.CheckID, _, _ time.Time) (map[config.CheckID]availability.Life, error) {
	lives := map[config.CheckID]availability.Life{}
	for _, id := range checks {
		list, known := m.lives[id]
		if !known {
			list = []availability.Interval{{Kind: availability.Absent}}
		}
		lives[id] = availability.Life{Intervals: list}
	}
	return lives, m.fails
}

func (m *memory) Points(context.Context, config.CheckID, time.Time, time.Time, time.Duration) ([]history.Point, error) {
	if m.point == nil {
		return nil, m.fails
	}
	return []history.Point{*m.point}, m.fails
}

// unknown is a time in minutes in which a node saw nothing.
func unknown(from, to int) availability.Interval {
	return availability.Interval{From: after(from), To: after(to), Kind: availability.Unknown}
}

// A house is a node that asks some others.
type house struct {
	own   *memory
	nodes map[config.NodeID]*memory
	slow  config.NodeID // which does not answer
	raw   map[config.NodeID][]byte

	mu    sync.Mutex
	asked []config.NodeID
}

func (h *house) past() *elsewhere.Past {
	o := elsewhere.Options{Store: h.own, Self: elsewhere.Node{ID: "fra1", Location: "frankfurt", Live: true}}
	for _, id := range []config.NodeID{"lon1", "nyc1"} {
		o.Others = append(o.Others, elsewhere.Node{ID: id, Location: "at " + string(id), Live: h.nodes[id] != nil || h.raw[id] != nil || h.slow == id})
	}
	o.Ask = func(ctx context.Context, node config.NodeID, question []byte) ([]byte, error) {
		h.mu.Lock()
		h.asked = append(h.asked, node)
		h.mu.Unlock()
		if h.slow == node {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		if text, ok := h.raw[node]; ok {
			return text, nil
		}
		return elsewhere.Answer(ctx, h.nodes[node], func() []config.CheckID { return []config.CheckID{"a", "b"} }, question), nil
	}
	return elsewhere.New(o)
}

// unseen says in minutes when a check was unknown.
func unseen(t *testing.T, p *elsewhere.Past, check config.CheckID) string {
	t.Helper()
	lives, err := p.Lives(t.Context(), []config.CheckID{check}, after(0), after(60))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, i := range lives[check].Intervals {
		if i.Kind == availability.Unknown {
			parts = append(parts, fmt.Sprintf("%d-%d", int(i.From.Sub(start).Minutes()), int(i.To.Sub(start).Minutes())))
		}
	}
	return strings.Join(parts, " ")
}

func TestWhatOneNodeHasSeenIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{
			own: &memory{lives: map[config.CheckID][]availability.Interval{"a": {unknown(10, 30), unknown(50, 60)}}},
			nodes: map[config.NodeID]*memory{
				"lon1": {lives: map[config.CheckID][]availability.Interval{"a": {unknown(0, 20), {From: after(52), Kind: availability.Unknown}}}, complete: after(5)},
				"nyc1": {lives: map[config.CheckID][]availability.Interval{"b": {}}}, // it does not have the check
			},
		}
		p := h.past()
		if got := unseen(t, p, "a"); got != "10-20 52-60" {
			t.Errorf("unknown is %s", got)
		}
		if text := elsewhere.Sentence(p.Nodes()); text != "" {
			t.Errorf("it says %q", text)
		}
		h.nodes["nyc1"].lives["a"] = []availability.Interval{{From: after(15), To: after(60), Kind: availability.Maintenance}}
		if got := unseen(t, h.past(), "a"); got != "" {
			t.Errorf("nyc1 has seen all of it, and unknown is %s", got)
		}
	})
}

// All other nodes together have two seconds, however often is asked; who has let them pass is not asked again.
func TestASlowNodeIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{own: &memory{lives: map[config.CheckID][]availability.Interval{"a": {unknown(10, 30)}}, point: &history.Point{N: 3, OK: 2, Down: 1}}, slow: "nyc1"}
		p, begun := h.past(), time.Now()
		if got := unseen(t, p, "a"); got != "10-30" {
			t.Errorf("unknown is %s", got)
		}
		list, err := p.Locations(t.Context(), "a", after(0), after(60))
		if err != nil || len(list) != 3 || list[0].Sum.N != 3 || list[1].Missing != "is silent" || list[2].Missing != "did not answer" {
			t.Errorf("%+v, %v", list, err)
		}
		if took := time.Since(begun); took != elsewhere.Limit {
			t.Errorf("it took %s", took)
		}
		if !slices.Equal(h.asked, []config.NodeID{"nyc1"}) {
			t.Errorf("asked were %q", h.asked)
		}
		if text := elsewhere.Sentence(p.Nodes()); text != "lon1 is silent; nyc1 did not answer. What only they saw is missing here." {
			t.Errorf("it says %q", text)
		}
	})
}

// What is asked at once in the beginning is not asked again.
func TestOneQuestionIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		point := history.Point{N: 10, OK: 9, Down: 1, Max: time.Second}
		point.P50[config.WholeConversation], point.P95[config.WholeConversation] = 80*time.Millisecond, 120*time.Millisecond
		h := &house{own: &memory{lives: map[config.CheckID][]availability.Interval{"a": {}}}, nodes: map[config.NodeID]*memory{
			"lon1": {lives: map[config.CheckID][]availability.Interval{"a": {}}, point: &point},
			"nyc1": {lives: map[config.CheckID][]availability.Interval{"a": {}}},
		}}
		p := h.past()
		p.Begin(t.Context(), elsewhere.Query{Checks: []config.CheckID{"a"}, From: after(-600), To: after(60), Of: "a", Since: after(0)})
		unseen(t, p, "a")
		list, err := p.Locations(t.Context(), "a", after(0), after(60))
		if err != nil || len(h.asked) != 2 {
			t.Fatalf("asked %q, %v", h.asked, err)
		}
		if s := list[1].Sum; s == nil || s.N != 10 || s.Down != 1 || s.P50 != 80*time.Millisecond || s.P95 != 120*time.Millisecond || s.Max != time.Second {
			t.Errorf("lon1 has %+v", s)
		}
		if list[2].Sum != nil || list[2].Missing != "" {
			t.Errorf("nyc1 has made no probe: %+v", list[2])
		}
	})
}

// A node that answers nonsense, or nothing, or that it cannot, is missing, and changes nothing.
func TestWhatIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for text, why := range map[string]string{
			"":                               "runs a version that does not answer this",
			"{":                              "runs a version that does not answer this",
			`{"Unseen":[3,2]}`:               "runs a version that does not answer this",
			`{"Unseen":[3]}`:                 "runs a version that does not answer this",
			`{"Sum":{"N":1,"OK":2}}`:         "runs a version that does not answer this",
			`{"Sum":{"N":1,"P50":-1}}`:       "runs a version that does not answer this",
			`{"Error":"<script>"}`:           "cannot read its history",
			strings.Repeat(" ", 1<<20) + "{": "runs a version that does not answer this",
		} {
			h := &house{own: &memory{lives: map[config.CheckID][]availability.Interval{"a": {unknown(10, 30)}}}, raw: map[config.NodeID][]byte{"lon1": []byte(text)}}
			p := h.past()
			if got := unseen(t, p, "a"); got != "10-30" {
				t.Errorf("%.40q: unknown is %s", text, got)
			}
			if list := p.Nodes(); list[1].Missing != why {
				t.Errorf("%.40q: lon1 %s", text, list[1].Missing)
			}
		}
		h := &house{own: &memory{lives: map[config.CheckID][]availability.Interval{"a": {}}}, nodes: map[config.NodeID]*memory{"lon1": {fails: errors.New("/var/lib is full")}}}
		p := h.past()
		unseen(t, p, "a")
		if text := elsewhere.Sentence(p.Nodes()); !strings.HasPrefix(text, "lon1 cannot read its history; nyc1 is silent.") {
			t.Errorf("it says %q", text)
		}
	})
}

// Of many checks most have the same to say, which travels once.
func TestManyChecksFitIntoAnAnswer(t *testing.T) {
	lives, ids := map[config.CheckID][]availability.Interval{}, []config.CheckID{}
	for i := range 20000 {
		id := config.CheckID(fmt.Sprintf("mx%05d/imaps", i))
		ids = append(ids, id)
		lives[id] = []availability.Interval{unknown(1, 2), unknown(4, 5)}
	}
	lives[ids[7]] = []availability.Interval{}
	h := &house{own: &memory{lives: map[config.CheckID][]availability.Interval{}}, nodes: map[config.NodeID]*memory{}}
	for id := range lives {
		h.own.lives[id] = []availability.Interval{unknown(0, 60)}
	}
	var size int
	p := elsewhere.New(elsewhere.Options{Store: h.own, Others: []elsewhere.Node{{ID: "lon1", Live: true}}, Ask: func(ctx context.Context, _ config.NodeID, question []byte) ([]byte, error) {
		text := elsewhere.Answer(ctx, &memory{lives: lives}, func() []config.CheckID { return ids }, question)
		size = len(text) + len(question)
		return text, nil
	}})
	got, err := p.Lives(t.Context(), ids, after(0), after(60))
	if err != nil || size > 1000 {
		t.Fatalf("%d bytes travel, %v", size, err)
	}
	for id, life := range got {
		if n := len(life.Intervals); n != 2 && id != ids[7] || n != 0 && id == ids[7] {
			t.Fatalf("%s is unknown in %v", id, life.Intervals)
		}
	}
}

// Whatever a node says, at most it makes unknown time known.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"Unseen":[1764504000000,1764504600000],"Others":{"a":[]},"Sum":{"N":3,"OK":3,"P50":80000000}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h := &house{own: &memory{lives: map[config.CheckID][]availability.Interval{"a": {unknown(10, 30)}}}, raw: map[config.NodeID][]byte{"lon1": text}}
		lives, err := h.past().Lives(t.Context(), []config.CheckID{"a"}, after(0), after(60))
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range lives["a"].Intervals {
			if i.Kind != availability.Unknown || i.From.Before(after(10)) || i.To.After(after(30)) {
				t.Errorf("%+v", i)
			}
		}
	})
}
