package daemon

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
)

// A part is something long-lived that a reload concerns.
//
// Prepare does all about a configuration that can fail, such as opening a channel
// or binding an address, and touches nothing that is in use. After it either commit
// is called, once, which puts the configuration in force and cannot fail; or
// discard, which gives back what Prepare has opened. A part that gives an error
// among the diagnostics has given it back already; its commit and discard are not
// called.
type part interface {
	Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic)
}

// parts are prepared and committed one after the other. Together they are one part.
type parts []part

// Prepare prepares all, also after an error, so that all errors are told at once.
func (ps parts) Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic) {
	var commits, discards []func()
	for _, p := range ps {
		commit, discard, found := p.Prepare(cfg)
		diags = append(diags, found...)
		if !config.HasErrors(found) {
			commits, discards = append(commits, commit), append(discards, discard)
		}
	}
	// What was opened last may use what was opened before it.
	slices.Reverse(discards)
	if config.HasErrors(diags) {
		callAll(discards)
		return nil, nil, diags
	}
	return func() { callAll(commits) }, func() { callAll(discards) }, diags
}

func callAll(functions []func()) {
	for _, f := range functions {
		f()
	}
}

// A taker is a part that takes any valid configuration as it is, and opens nothing.
type taker func(*config.Config)

// Prepare implements [part].
func (take taker) Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic) {
	return func() { take(cfg) }, func() {}, nil
}
