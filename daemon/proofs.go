package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/atomicfile"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// proofsFile, in the state directory, keeps when destinations last proved themselves.
const proofsFile = "destinations.json"

// A place is one place that messages go to, for whatever roles.
type place struct {
	Notifier config.NotifierID `json:"notifier"`
	Target   string            `json:"target"`
}

func placeOf(id config.NotifyID) place { return place{id.Notifier, id.Target} }

// A proof is when a place last showed that messages arrive there, and what became of a test
// message since.
type proof struct {
	At     time.Time   `json:"at,omitzero"` // zero: never, as far as anybody knows
	Test   bool        `json:"test,omitempty"`
	Failed *failedTest `json:"failed,omitempty"`
}

// A failedTest is a test message that did not arrive.
type failedTest struct {
	Role  config.RoleID `json:"role"`
	At    time.Time     `json:"at"` // of the last attempt
	Tries int           `json:"tries"`
	Words string        `json:"words"` // why, sanitised
}

// proofs are kept in memory, and in a file that may be lost: then the next message shows it anew.
type proofs struct {
	file string
	log  *zap.Logger

	mu      sync.Mutex
	places  map[place]proof
	tested  map[config.RoleID]string // the last period of notify_test for which a role was tested
	changed bool                     // since it was last kept
	failing bool                     // it could not be kept
}

// A keptProof is a line of the file.
type keptProof struct {
	place
	proof
}

type keptProofs struct {
	Destinations []keptProof              `json:"destinations"`
	Tested       map[config.RoleID]string `json:"tested"`
}

// openProofs reads what was kept.
func (m *monitor) openProofs() *proofs {
	p := &proofs{file: filepath.Join(m.StateDir, proofsFile), log: m.Log, places: map[place]proof{}, tested: map[config.RoleID]string{}}
	text, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return p
	}
	var kept keptProofs
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		m.Log.Warn("it is not known any more when test messages were sent", zap.String("file", p.file), zap.Error(err))
		return p
	}
	for _, k := range kept.Destinations {
		p.places[k.place] = k.proof
	}
	maps.Copy(p.tested, kept.Tested)
	return p
}

// note keeps that a message has arrived. The tracker calls it in the goroutine that decides alarms.
func (p *proofs) note(at place, proved proof) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.places[at]; proved.At.After(known.At) {
		p.places[at], p.changed = proved, true
	}
}

// noteFailure keeps that a test message did not arrive.
func (p *proofs) noteFailure(at place, failed failedTest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.places[at]
	failed.Tries = 1
	if known.Failed != nil {
		failed.Tries += known.Failed.Tries
	}
	known.Failed = &failed
	p.places[at], p.changed = known, true
}

// of returns what is known of a place.
func (p *proofs) of(at place) proof {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.places[at]
}

// seed takes the messages that arrived before this was kept.
func (p *proofs) seed(s *tracker.Snapshot) {
	for in := range s.Incidents() {
		for d := range s.Deliveries(in) {
			if d.State == outbox.Sent {
				p.note(placeOf(d.NotifyID), proof{At: d.At})
			}
		}
	}
}

// forget lets go of places to which a configuration sends nothing, and of tests nobody wants.
func (p *proofs) forget(cfg *config.Config) {
	used, wanted := map[place]bool{}, map[place]bool{}
	for _, role := range cfg.Roles {
		for _, way := range role.Notify {
			used[placeOf(way.ID)] = true
			wanted[placeOf(way.ID)] = wanted[placeOf(way.ID)] || role.NotifyTest != ""
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, known := range p.places {
		switch {
		case !used[at]:
			delete(p.places, at)
		case known.Failed != nil && !wanted[at]:
			known.Failed = nil
			p.places[at] = known
		default:
			continue
		}
		p.changed = true
	}
	for role := range p.tested {
		if r, there := cfg.Roles[role]; !there || r.NotifyTest == "" {
			delete(p.tested, role)
			p.changed = true
		}
	}
}

// claim notes that a role is tested for a period, and reports whether it is to be: it was not yet,
// and that can be kept, so that a restart does not send it again.
func (p *proofs) claim(role config.RoleID, period string) bool {
	p.mu.Lock()
	before := p.tested[role]
	if before == period {
		p.mu.Unlock()
		return false
	}
	p.tested[role], p.changed = period, true
	p.mu.Unlock()
	if p.keep() {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tested[role] = before
	return false
}

// keep writes the file if there is something new, and reports whether it says all that is known.
func (p *proofs) keep() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.changed {
		return true
	}
	kept := keptProofs{Destinations: []keptProof{}, Tested: p.tested}
	for at, known := range p.places {
		kept.Destinations = append(kept.Destinations, keptProof{at, known})
	}
	slices.SortFunc(kept.Destinations, func(a, b keptProof) int { return strings.Compare(a.name(), b.name()) })
	text, err := json.Marshal(kept)
	if err == nil {
		err = atomicfile.Write(p.file, append(text, '\n'), readableByGroup)
	}
	if err != nil && !p.failing {
		p.log.Warn("when destinations proved themselves cannot be kept; no test messages are sent", zap.Error(err))
	}
	p.failing = err != nil
	p.changed = err != nil
	return err == nil
}

func (a place) name() string { return fmt.Sprintf("%s %s", a.Notifier, a.Target) }

// destinations returns where messages go, for the status, and when one last arrived there.
func (p *proofs) destinations(cfg *config.Config) (list []api.Destination) {
	for _, id := range slices.Sorted(maps.Keys(cfg.Roles)) {
		role := cfg.Roles[id]
		listed := map[place]bool{}
		for _, block := range role.Notify {
			at := placeOf(block.ID)
			if listed[at] { // an escalation to the same place
				continue
			}
			listed[at] = true
			d := api.Destination{Role: id, Notifier: at.Notifier, Target: at.Target, NotifyTest: role.NotifyTest}
			known := p.of(at)
			if !known.At.IsZero() {
				d.ProvedAt, d.ProvedBy = utc(known.At), "message"
			}
			if known.Test {
				d.ProvedBy = "test"
			}
			if known.Failed != nil {
				d.FailedAt, d.Error = utc(known.Failed.At), known.Failed.Words
			}
			list = append(list, d)
		}
	}
	return list
}

// utc returns a time as JSON has it.
func utc(t time.Time) *time.Time {
	t = t.UTC().Round(0).Truncate(time.Second)
	return &t
}
