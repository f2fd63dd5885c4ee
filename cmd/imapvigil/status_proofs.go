package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/notifiers"
)

// mostProofs is how many destinations the status shows.
const mostProofs = 6

// proofs writes when messages last arrived where they go.
func (g *statusPage) proofs(list []api.Destination) {
	if text := g.proofsText(list); text != "" {
		g.line("")
		g.fold("", text)
	}
}

// proofsText returns when messages last arrived where they go, the longest ago first; empty: nobody
// is sent any, or the daemon does not know.
func (g *statusPage) proofsText(list []api.Destination) string {
	if len(list) == 0 {
		return ""
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b api.Destination) int {
		if a.ProvedAt == nil || b.ProvedAt == nil {
			return cmp.Compare(known(a.ProvedAt != nil), known(b.ProvedAt != nil))
		}
		return a.ProvedAt.Compare(*b.ProvedAt)
	})
	var parts []string
	for i := range list[:min(len(list), mostProofs)] {
		parts = append(parts, g.proofText(&list[i]))
	}
	if more := len(list) - mostProofs; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return "Messages last delivered: " + strings.Join(parts, "; ")
}

func known(is bool) int {
	if is {
		return 1
	}
	return 0
}

// proofText returns when a message last arrived at one destination.
func (g *statusPage) proofText(d *api.Destination) string {
	text := string(d.Role) + " by " + string(d.Notifier)
	switch {
	case d.ProvedAt == nil:
		text += " never"
	case d.ProvedBy == "test":
		text += " " + notifiers.Duration(g.now.Sub(*d.ProvedAt)) + " ago (test)"
	default:
		text += " " + notifiers.Duration(g.now.Sub(*d.ProvedAt)) + " ago"
	}
	if d.FailedAt != nil {
		text += ", test not delivered " + g.formatMinute(*d.FailedAt)
	}
	return text
}
