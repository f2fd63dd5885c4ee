package hclfile

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/advice"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// advise adds the warnings about what is allowed and hardly meant.
func (l *loader) advise() {
	l.written.Daemon = l.config.Daemon.Pos
	l.written.Roles = func(id config.CheckID) (config.Pos, bool) {
		chosen := l.checks[id].roles
		if chosen == nil {
			return config.Pos{}, false
		}
		return diagnose.Position(chosen.Range()), true
	}
	warnings := advice.Of(l.config, l.written)
	if len(warnings) == 0 {
		return
	}
	// Only now: most configurations have nothing to be warned about, and many blocks.
	headers := l.headers()
	for _, w := range warnings {
		broken := slices.IndexFunc(advice.Rules, func(r *rule) bool { return r.ID == w.Rule })
		l.Say(advice.Rules[broken], w.Summary, w.Detail, headers[w.Pos])
	}
}

// headers returns the headers of the blocks that there may be advice on, by where they
// begin.
func (l *loader) headers() map[config.Pos]hcl.Range {
	blocks := slices.Collect(maps.Values(l.single))
	for _, node := range l.order {
		blocks = append(blocks, node.block)
	}
	for _, b := range slices.Concat(slices.Collect(maps.Values(l.named))...) {
		blocks = append(blocks, b.block)
	}
	at := map[config.Pos]hcl.Range{}
	for _, b := range blocks {
		at[diagnose.Position(header(b))] = header(b)
	}
	return at
}
