package tracker_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A class says what a line of the transcript is about, by its mark. At one
// moment the journal comes first.
type class string

const (
	journaled class = "."
	arrived   class = ">"
	failed    class = "!"
)

// A transcript gathers what happens. Within one moment, messages are in the
// order of their text, since they are sent side by side.
type transcript struct {
	text strings.Builder

	mu   sync.Mutex
	news []entry
}

type entry struct {
	at    time.Time
	class class
	text  string
}

// note is called by whoever does something, in its own goroutine.
func (t *transcript) note(c class, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.news = append(t.news, entry{time.Now(), c, text})
}

// flush writes what was noted; everybody is idle.
func (t *transcript) flush(n *timeline) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.news, func(a, b entry) int {
		if c := cmp.Or(a.at.Compare(b.at), cmp.Compare(a.class, b.class)); c != 0 || a.class == journaled {
			return c
		}
		return cmp.Compare(a.text, b.text)
	})
	for i := 0; i < len(t.news); {
		e, alike := t.news[i], 1
		for i+alike < len(t.news) && e.like(t.news[i+alike]) {
			alike++
		}
		if alike > many {
			e.text = strings.Replace(e.text, ":", fmt.Sprintf(" and %d more:", alike-1), 1)
			i += alike
		} else {
			i++
		}
		fmt.Fprintf(&t.text, "    %s %s %s\n", n.at(e.at), e.class, e.text)
	}
	t.news = nil
}

// many lines about the journal that differ in the check alone become one.
const many = 4

func (e entry) like(f entry) bool {
	_, what, _ := strings.Cut(e.text, ":")
	_, other, _ := strings.Cut(f.text, ":")
	return e.class == journaled && f.class == journaled && e.at.Equal(f.at) && what == other
}

// say copies a line of the timeline.
func (t *transcript) say(line string) { t.text.WriteString(line) }

func (t *transcript) sayf(format string, args ...any) { fmt.Fprintf(&t.text, format+"\n", args...) }
