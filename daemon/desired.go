package daemon

import (
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/reconcile"
)

// Members reports whether this node is to probe a check.
type Members func(config.CheckID) bool

// onlyMember reports that every check is probed here: there is no other node.
func onlyMember(config.CheckID) bool { return true }

// desired returns the probes that are to run here. A paused check has none.
func desired(cfg *config.Config, members Members) map[config.CheckID]*config.Probe {
	probes := make(map[config.CheckID]*config.Probe, len(cfg.Checks))
	for id, check := range cfg.Checks {
		if check.Enabled && members(id) {
			probes[id] = &check.Probe
		}
	}
	return probes
}

func sameProbe(a, b *config.Probe) bool { return *a == *b }

// A probeSet is the part that keeps one goroutine running for each check.
type probeSet struct {
	running *reconcile.Set[config.CheckID, *config.Probe] // nil before the start
	members Members                                       // which of the checks are probed here; set at the start
	limit   int                                           // conversations at once, set at the start
	changed []zap.Field                                   // by the last commit, counted, for the log

	mu  sync.Mutex     // held while what runs is changed
	cfg *config.Config // in force; nil before the first
}

// Prepare implements [part].
func (s *probeSet) Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic) {
	commit = func() {
		diff := s.apply(cfg)
		s.changed = []zap.Field{ // counts only: the names of 100,000 checks would stay in memory
			zap.Int("started", len(diff.Started)), zap.Int("stopped", len(diff.Stopped)),
			zap.Int("changed", len(diff.Changed)), zap.Int("unchanged", diff.Unchanged),
		}
	}
	return commit, func() {}, s.needsRestart(cfg.Daemon)
}

// apply makes what this node is to probe of a configuration run.
func (s *probeSet) apply(cfg *config.Config) reconcile.Diff[config.CheckID] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg = cfg
	return s.running.Apply(desired(cfg, s.members))
}

// moveShare makes what this node is to probe run now that its share has changed. What it keeps
// notices nothing.
func (s *probeSet) moveShare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg != nil { // else the first configuration is yet to be applied, and asks then
		s.running.Apply(desired(s.cfg, s.members))
	}
}

// needsRestart warns of what comes into effect with a restart only.
func (s *probeSet) needsRestart(d config.Daemon) []config.Diagnostic {
	// At the start there is no limit yet that could differ.
	if s.running == nil || probesAtOnce(d.MaxConcurrentProbes, probeDescriptors()) == s.limit {
		return nil
	}
	return []config.Diagnostic{{
		Gravity: config.Warning, Rule: "restart", Summary: "A changed max_concurrent_probes needs a restart",
		Detail: fmt.Sprintf("Until then there are at most %d conversations at once. Everything else is in effect.", s.limit),
		Pos:    d.Pos,
	}}
}

// changes returns, for the log, what the last commit did.
func (s *probeSet) changes() []zap.Field { return s.changed }
