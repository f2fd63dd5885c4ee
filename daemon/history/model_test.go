package history

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A second is what a model knows of a check in one second.
type second map[availability.Kind]bool

// A model keeps every second of two checks, in the simplest way there is.
type model struct {
	d       *drive
	ids     []config.CheckID
	seconds map[config.CheckID][]second
	vouched map[config.CheckID]int // until which second; 0: nothing vouches
	cfg     *config.Config
	works   map[config.CheckID][2]int // maintenance in force: from, to
	running bool
	flushed int // the second of the last flush
	atFlush map[config.CheckID]second
	known   map[config.CheckID]bool // to the file
	named   map[config.CheckID]bool // by a configuration since the last flush
}

var modelKinds = []availability.Kind{availability.Absent, availability.Paused, availability.Maintenance, availability.Unknown}

func (m *model) now() int { return int(m.d.now.Sub(newYear) / time.Second) }

// state returns what holds of a check in the current second, but for what is known.
func (m *model) state(id config.CheckID) second {
	c := m.cfg.Checks[id]
	work, now := m.works[id], m.now()
	return second{
		availability.Absent: c == nil, availability.Paused: c != nil && !c.Enabled,
		availability.Maintenance: c != nil && now >= work[0] && now < work[1],
	}
}

// pass lets seconds pass.
func (m *model) pass(n int) {
	for range n {
		for _, id := range m.ids {
			s := second{availability.Unknown: true}
			if m.running {
				s = m.state(id)
				watched := !s[availability.Absent] && !s[availability.Paused]
				s[availability.Unknown] = watched && m.now() >= m.vouched[id]
			}
			m.seconds[id] = append(m.seconds[id], s)
		}
		m.d.now = m.d.now.Add(time.Second)
	}
}

// configure puts a configuration in force: for each check whether it is absent, paused or
// there, and its maintenance.
func (m *model) configure(t *rapid.T) {
	cfg := configuration()
	m.works = map[config.CheckID][2]int{}
	for _, id := range m.ids {
		name := rapid.SampledFrom([]string{"", "-" + string(id), string(id), string(id), string(id)}).Draw(t, "files")
		if name == "" {
			m.vouched[id] = 0
			continue
		}
		cfg.Checks[id] = configuration(name).Checks[id]
		m.named[id] = true
		if !cfg.Checks[id].Enabled {
			m.vouched[id] = 0
		}
		if rapid.Bool().Draw(t, "work") {
			from := m.now() + rapid.IntRange(-300, 600).Draw(t, "from")
			length := rapid.IntRange(1, 900).Draw(t, "length")
			m.works[id] = [2]int{from, from + length}
			cfg.Maintenance = append(cfg.Maintenance, config.Maintenance{
				Name: "work", Zone: time.UTC, Start: newYear.Add(time.Duration(from) * time.Second), Duration: time.Duration(length) * time.Second,
				AppliesTo: []config.Ref{{Check: id}},
			})
		}
	}
	m.cfg = cfg
	m.d.store.Use(cfg)
}

func (m *model) probe(id config.CheckID, judged bool) {
	health := incident.OK
	if !judged {
		health = incident.Unknown
	}
	m.d.observe(id, health, time.Second, "192.0.2.1")
	if c := m.cfg.Checks[id]; c == nil || !c.Enabled {
		return
	}
	m.vouched[id] = 0
	if judged {
		m.vouched[id] = m.now() + int(vouches(&m.cfg.Checks[id].Probe)/1000)
	}
}

func (m *model) flush() {
	m.d.mustRound()
	m.flushed, m.atFlush = m.now(), map[config.CheckID]second{}
	for _, id := range m.ids {
		m.atFlush[id] = m.state(id)
		m.known[id] = m.known[id] || m.named[id]
	}
}

// die ends the daemon, lets time pass, and starts another one. What was not flushed is lost; what
// held then and holds now has held all the time.
func (m *model) die(t *rapid.T) {
	m.d.crash()
	m.named = map[config.CheckID]bool{}
	before := m.atFlush
	m.running = false
	m.pass(rapid.IntRange(0, 600).Draw(t, "dead"))
	m.d.start()
	m.running = true
	m.vouched = map[config.CheckID]int{}
	m.configure(t)
	for _, id := range m.ids {
		after := m.state(id)
		for i := m.flushed; i < m.now(); i++ {
			gap := second{availability.Unknown: true}
			for _, kind := range modelKinds[:lasting] {
				gap[kind] = before[id][kind] && after[kind]
			}
			if !m.known[id] { // it is new, or was lost with all that was of it
				gap[availability.Absent] = true
			}
			m.seconds[id][i] = gap
		}
	}
	m.flush()
}

// Whatever befalls a daemon, what the file says of every second is what the model says.
func TestEverySecondIsAsTheModelHasIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{
			d: newDrive(t, newYear), ids: []config.CheckID{"a", "b"}, seconds: map[config.CheckID][]second{}, vouched: map[config.CheckID]int{}, running: true,
			known: map[config.CheckID]bool{}, named: map[config.CheckID]bool{},
		}
		defer m.d.crash()
		m.configure(rt)
		m.flush()
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			id := rapid.SampledFrom(m.ids).Draw(rt, "check")
			switch rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0:
				m.configure(rt)
			case 1:
				m.die(rt)
			case 2:
				m.probe(id, false)
			case 3:
				m.flush()
			default:
				m.probe(id, true)
			}
			m.pass(rapid.SampledFrom([]int{0, 1, 30, 60, 129, 131, 400}).Draw(rt, "pause"))
		}
		m.flush()
		m.compare(rt)
	})
}

func (m *model) compare(t *rapid.T) {
	lives, err := m.d.store.Lives(m.d.tb.Context(), m.ids, newYear, m.d.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range m.ids {
		for i, want := range m.seconds[id] {
			at := newYear.Add(time.Duration(i) * time.Second)
			got := second{}
			for _, v := range lives[id].Intervals {
				if !v.From.After(at) && (v.To.IsZero() || v.To.After(at)) {
					got[v.Kind] = true
				}
			}
			for _, kind := range modelKinds {
				// What is absent or paused is not probed: whether it is known does not matter.
				if kind == availability.Unknown && (want[availability.Absent] || want[availability.Paused]) {
					continue
				}
				if got[kind] != want[kind] {
					t.Fatalf("%s at second %d: %s is %t, want %t\n%s", id, i, kind, got[kind], want[kind], fmt.Sprint(lives[id].Intervals))
				}
			}
		}
	}
}
