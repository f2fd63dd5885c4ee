package cluster_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A ledger keeps what was told, and what the journals say of it, to judge a round.
type ledger struct {
	stage  *stage
	random *rand.Rand

	mu      sync.Mutex
	told    []told
	settled map[string]bool   // keys of messages whose delivery is in a journal
	own     map[string]bool   // incidents that a node opened alone
	from    map[string]string // who saw an incident, when it was opened
	probed  map[config.CheckID]time.Time
	gap     time.Duration // the longest without a probe of some check
}

// A told is a message that arrived at a program.
type told struct {
	at       time.Time
	node     config.NodeID
	key      string
	incident notifiers.Incident
	what     notifiers.Transition
}

// arrived notes a message, and returns how long the other side takes to answer.
func (l *ledger) arrived(node config.NodeID, m notifiers.Message) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, item := range m.Items {
		one := told{at: time.Now(), node: node, key: m.Key, incident: item.Incident, what: item.Transition}
		for _, before := range l.told {
			if before.key == m.Key && l.settled[m.Key] {
				l.stage.t.Errorf("%s: %s sends again what the journal says is delivered: %s", l.stage.at(one.at), node, m.Subject())
			}
		}
		l.told = append(l.told, one)
	}
	return time.Duration(l.random.Int64N(int64(3 * time.Second)))
}

// journaled notes which messages are delivered, by the journal.
func (l *ledger) journaled(r journal.Record) {
	var o outbox.Outcome
	if r.Kind != "outcome" || json.Unmarshal(r.Data, &o) != nil || o.State != outbox.Sent {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settled == nil {
		l.settled = map[string]bool{}
	}
	l.settled[string(o.Key)] = true
}

// opened notes who saw an incident that a node has opened.
func (l *ledger) opened(which string, e incident.Event) {
	if e.Kind != incident.Opened || e.Finding == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from == nil {
		l.own, l.from = map[string]bool{}, map[string]string{}
	}
	l.own[string(e.Incident)], l.from[string(e.Incident)] = which != "", e.Finding.From
}

// noteProbe notes that a check was probed by some node.
func (l *ledger) noteProbe(id config.CheckID, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.probed == nil {
		l.probed = map[config.CheckID]time.Time{}
	}
	if before, probed := l.probed[id]; probed {
		l.gap = max(l.gap, now.Sub(before))
	}
	l.probed[id] = now
}

// judge compares what was told with the outages.
func (l *ledger) judge(outages []outage) {
	t, began := l.stage.t, l.stage.begin
	closed, keys := map[string]bool{}, map[string]int{}
	for _, m := range l.told {
		keys[m.key]++
		if m.what == notifiers.Closed {
			closed[m.incident.ID] = true
		}
	}
	for _, m := range l.told {
		if m.what != notifiers.Opened {
			continue
		}
		if !closed[m.incident.ID] {
			t.Errorf("%s: %s told of %s %s, and nobody of its end", l.stage.at(m.at), m.node, m.incident.Check, m.incident.Condition)
		}
		if m.incident.Condition == string(config.ConditionService) && !l.explained(m, outages) {
			t.Errorf("%s: %s told that %s is down since %s, and it was not", l.stage.at(m.at), m.node, m.incident.Check, l.stage.at(m.incident.StartedAt))
		}
	}
	for _, o := range outages {
		if o.from != "" {
			continue
		}
		shared := map[string]bool{}
		any := false
		for _, m := range l.told {
			if m.what == notifiers.Opened && m.incident.Check == o.check && m.incident.Condition == string(config.ConditionService) {
				any = true
				if !l.own[m.incident.ID] {
					shared[m.incident.ID] = true
				}
			}
		}
		if !any {
			t.Errorf("nobody was told of %s, which was down from %s to %s", o.check, l.stage.at(began.Add(o.begin)), l.stage.at(began.Add(o.begin+o.duration)))
		}
		if len(shared) > 1 {
			t.Errorf("one outage of %s was told as %d", o.check, len(shared))
		}
	}
	doubled := 0
	for _, n := range keys {
		doubled += n - 1
	}
	l.stage.t.Logf("%d messages, %d doubled, longest time without a probe %s", len(l.told), doubled, l.gap.Round(time.Second/10))
	if most := 2 * 10 * time.Second; l.gap > most {
		t.Errorf("a check was not probed for %s", l.gap)
	}
}

// explained reports whether a check that was told to be down was: from everywhere, or from the nodes
// that are left.
func (l *ledger) explained(m told, outages []outage) bool {
	for _, o := range outages {
		begin, end := l.stage.begin.Add(o.begin), l.stage.begin.Add(o.begin+o.duration)
		if o.check == m.incident.Check && !m.incident.StartedAt.Before(begin.Add(-100*time.Millisecond)) && m.incident.StartedAt.Before(end.Add(2*time.Second)) {
			return o.from == "" || strings.Contains(l.from[m.incident.ID], "alone")
		}
	}
	return false
}

// compareCopies compares the copies of all machines record by record.
func (s *stage) compareCopies() {
	var want []string
	for i, m := range s.sorted() {
		b := s.net.Connect(string(m.id))
		c, err := stream.Open(filepath.Join(m.dir, "shared"), b.Stream(), stream.Options{Node: string(m.id)})
		must(s.t, err)
		var got []string
		for r, err := range c.Replay() {
			must(s.t, err)
			got = append(got, fmt.Sprintf("%s %s %s", r.At.Format(time.RFC3339Nano), r.Kind, r.Data))
		}
		must(s.t, c.Close())
		b.Close()
		if i == 0 {
			want = got
			continue
		}
		if len(got) != len(want) {
			s.t.Errorf("%s holds %d records, and %s %d", m.id, len(got), s.sorted()[0].id, len(want))
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				s.t.Errorf("record %d of %s is %s, not %s", i, m.id, got[i], want[i])
				break
			}
		}
	}
}
