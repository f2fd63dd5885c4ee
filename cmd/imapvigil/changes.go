package main

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// printIDs prints ids, a line each, behind a sign; at most so many, and then how many more
// there are.
func (p *program) printIDs(state, sign string, ids []config.CheckID, most int) {
	for _, id := range ids[:min(most, len(ids))] {
		p.printf("%s %s\n", p.paint(state, sign), id)
	}
	if more := len(ids) - most; more > 0 {
		p.printf("%s and %d more\n", p.paint(state, sign), more)
	}
}

// printRenames says which checks look renamed, and what to write so that they keep their
// history.
func (p *program) printRenames(renames []config.Move) {
	if len(renames) == 0 {
		return
	}
	what := plural(len(renames), "check") + " look renamed: the same probe under another id."
	if m := renames[0]; len(renames) == 1 {
		what = fmt.Sprintf("%s looks renamed to %s: it probes the same.", m.From, m.To)
	}
	p.printf("\n%s\n", p.fold("", what+" Without a moved block the history stays with the old id, and an open incident ends as removed after 10 minutes. To keep them, add these lines to a file:"))
	for _, m := range renames {
		p.printf("\n%s", m.Block())
	}
}

// printLastReload prints when the last reload was and what it changed. It prints nothing
// where there was none (nil).
func (p *program) printLastReload(last *api.LastReload) {
	if last != nil {
		p.printf("%s\n", p.fold("", fmt.Sprintf("The last reload, %s: %s.", timeAgo(&last.At, time.Now()), last.Changes)))
	}
}
