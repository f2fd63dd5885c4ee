package agree

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Board is what whoever decides knows of all checks: what each node saw last, and what follows from
// it. It is pure: it has no clock of its own and no lock.
type Board struct {
	began  time.Time
	nodes  []Member // by name
	checks map[config.CheckID]*entry
	dirty  []*entry // whose sights have changed since they were decided on
}

// An entry is what is known of one check.
type entry struct {
	id       config.CheckID
	check    *config.Check
	settings uint64
	view     View
	members  []Member
	cause    config.Cause
	dirty    bool
	woken    map[string]time.Time
}

// NewBoard returns the board of somebody who begins to decide at a time.
func NewBoard(began time.Time) *Board {
	return &Board{began: began, checks: map[config.CheckID]*entry{}}
}

// Configure makes a configuration the one in force. What is known of checks that stay is kept.
func (b *Board) Configure(cfg *config.Config) {
	was := b.checks
	b.checks = make(map[config.CheckID]*entry, len(cfg.Checks))
	for id, check := range cfg.Checks {
		if !check.Enabled {
			continue
		}
		e := was[id]
		if e == nil {
			e = &entry{id: id, view: NewView(b.began), woken: map[string]time.Time{}}
		}
		e.check, e.settings = check, Settings(check)
		e.members = assigned(id, b.nodes, check.Quorum)
		b.checks[id] = e
	}
	b.dirty = slices.DeleteFunc(b.dirty, func(e *entry) bool { return b.checks[e.id] != e })
}

// SetNodes says which nodes there are, and of which of them nothing is heard.
func (b *Board) SetNodes(nodes []Member) {
	b.nodes = slices.Clone(nodes)
	for id, e := range b.checks {
		e.members = assigned(id, b.nodes, e.check.Quorum)
		b.touch(e)
	}
}

// Recall says which causes the open incidents of the service have. They stay as long as a node gives
// them.
func (b *Board) Recall(causes map[config.CheckID]config.Cause) {
	for id, cause := range causes {
		if e := b.checks[id]; e != nil {
			e.cause = cause
		}
	}
}

func (b *Board) touch(e *entry) {
	if !e.dirty {
		e.dirty = true
		b.dirty = append(b.dirty, e)
	}
}

// ErrStranger is the error about a packet of a node that is not in the configuration.
var ErrStranger = errors.New("a node speaks that is not in the configuration")

// Take takes a packet that a node sent. What it says of checks that are not in the files is left out.
func (b *Board) Take(node string, packet []byte, now time.Time) error {
	if !slices.ContainsFunc(b.nodes, func(m Member) bool { return m.Node == node }) {
		return ErrStranger
	}
	var w wire
	if err := json.Unmarshal(packet, &w); err != nil {
		return err
	}
	e := b.checks[w.Result.Check]
	if e == nil {
		return nil
	}
	s := Sight{Node: node, Result: w.Result, Settings: w.Settings, Changed: now.Add(-w.Changed), Took: took(w.Result), fresh: true}
	s.Result.Started, s.Result.Ended = now.Add(-w.Started), now.Add(-w.Ended)
	for i, since := range w.Since {
		if since >= 0 {
			s.since[i] = now.Add(-since)
		}
	}
	if e.view.Take(s) {
		b.touch(e)
	}
	return nil
}
