package api

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A Listing is some of the checks as a page lists them, with what stands around them.
type Listing struct {
	At       time.Time
	Config   *config.Config // nil: there is none yet
	Checks   []Check
	Silences []ListedSilence
}

// ListChecks lists the checks of a snapshot that whoever asks may see and that keep returns true for. It
// calls keep once with each check that the visitor may see, in the order of their ids: of
// 10,000 checks a page counts most, and shows few.
func ListChecks(ctx context.Context, s *tracker.Snapshot, next func(config.CheckID) time.Time, keep func(*config.Check, incident.CheckState) bool) Listing {
	seen := view{s, VisitorOf(ctx)}
	list := Listing{At: s.At, Config: s.Config, Silences: activeSilences(seen)}
	for c := range seen.Checks() {
		if state, _ := c.State(s.At); keep(c.Check, state) {
			v := newCheck(c, s.At, next)
			addSilences(&v, c.Check, list.Silences)
			list.Checks = append(list.Checks, v)
		}
	}
	return list
}
