//go:build !quick

package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// figures are what came of many rounds.
type figures struct {
	name                       string
	rounds                     int
	outages, locals            int // how many
	tooShort                   int // outages that nobody was told of, since nobody decided for long enough
	takeOvers                  int
	lostOpenings, lostClosings int
	toldAsTwo, falseOpenings   int
	messages, doubled, refused int
	gap                        time.Duration
	afterKill                  []time.Duration // how long until another node decided
	afterFall                  []time.Duration // the same, when it was stopped, or nothing left it
	afterDeaf                  []time.Duration // the same, when nothing reached it
	withOther                  []time.Duration // the same, when another machine fell meanwhile
	withServer                 []time.Duration // the same, after any of these, where a server of the bus was at fault, too
	late                       time.Duration
}

// table shows figures side by side.
func table(all []*figures) string {
	var text strings.Builder
	row := func(name string, of func(*figures) string) {
		fmt.Fprintf(&text, "%-48s", name)
		for _, f := range all {
			fmt.Fprintf(&text, " %32s", of(f))
		}
		text.WriteString("\n")
	}
	number := func(name string, of func(*figures) int) {
		row(name, func(f *figures) string { return fmt.Sprint(of(f)) })
	}
	row("", func(f *figures) string { return f.name })
	number("rounds", func(f *figures) int { return f.rounds })
	row("outages + faults seen from one node", func(f *figures) string { return fmt.Sprintf("%d + %d", f.outages, f.locals) })
	number("take-overs", func(f *figures) int { return f.takeOvers })
	row("lost openings / closings", func(f *figures) string { return fmt.Sprintf("%d / %d", f.lostOpenings, f.lostClosings) })
	number("outages during which nobody could decide", func(f *figures) int { return f.tooShort })
	number("told as two", func(f *figures) int { return f.toldAsTwo })
	number("false service openings", func(f *figures) int { return f.falseOpenings })
	row("doubled, of all messages", func(f *figures) string { return fmt.Sprintf("%d of %d", f.doubled, f.messages) })
	number("refused appends", func(f *figures) int { return f.refused })
	row("longest gap without a probe", func(f *figures) string { return f.gap.Round(10 * time.Millisecond).String() })
	row("take-over after a kill, p50 / max (how many)", func(f *figures) string { return spread(f.afterKill) })
	row("the same, when it was stopped or cut off", func(f *figures) string { return spread(f.afterFall) })
	row("the same, when nothing reached it", func(f *figures) string { return spread(f.afterDeaf) })
	row("any of these, when another fell meanwhile", func(f *figures) string { return spread(f.withOther) })
	row("any of these, with a server at fault, too", func(f *figures) string { return spread(f.withServer) })
	row("time that does not count: machines were late", func(f *figures) string { return f.late.Round(time.Second / 10).String() })
	return text.String()
}

func spread(list []time.Duration) string {
	if len(list) == 0 {
		return "-"
	}
	slices.Sort(list)
	return fmt.Sprintf("%.1f / %.1f s (%d)", list[len(list)/2].Seconds(), list[len(list)-1].Seconds(), len(list))
}
