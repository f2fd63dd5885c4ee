package hclfile

import (
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/advice"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// advise adds the warnings about what is allowed and hardly meant.
func (l *loader) advise() {
	l.written.Daemon = l.config.Daemon.Pos
	if b := l.single["page"]; b != nil {
		l.written.Page = diagnose.Position(header(b))
	}
	if b := l.single["history"]; b != nil {
		l.written.History = diagnose.Position(header(b))
	}
	l.written.Now = time.Now()
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
	headers := l.headersAt(warnings)
	for _, w := range warnings {
		broken := slices.IndexFunc(advice.Rules, func(r *rule) bool { return r.ID == w.Rule })
		l.Say(advice.Rules[broken], w.Summary, w.Detail, headers[w.Pos])
	}
}

// headersAt returns the headers of the blocks that begin where warnings are, which are few
// where blocks are many.
func (l *loader) headersAt(warnings []config.Diagnostic) map[config.Pos]hcl.Range {
	at := map[config.Pos]hcl.Range{}
	for _, w := range warnings {
		at[w.Pos] = hcl.Range{}
	}
	note := func(b *hcl.Block) {
		place := diagnose.Position(header(b))
		if _, isWanted := at[place]; isWanted {
			at[place] = header(b)
		}
	}
	for _, b := range l.single {
		note(b)
	}
	for _, node := range l.order {
		note(node.block)
	}
	for _, blocks := range l.named {
		for _, b := range blocks {
			note(b.block)
		}
	}
	return at
}
