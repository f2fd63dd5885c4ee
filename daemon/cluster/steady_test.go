package cluster_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/golden"
)

// slack is by how much times of a timeline may differ from those of its file. What happens in one moment of
// virtual time happens in any order, and whether two records are appended together decides by when the
// next one arrives: some 50 ms, and up to 200 ms where that misses the decider's next look.
const (
	slack        = 200 * time.Millisecond
	secondsSlack = time.Second // of what is shown in whole seconds: the 200 ms may cross the edge
)

// compareTimeline fails the test when file does not say got, but for times within the slack and the order
// of what happens within it. With -update such a file stays as it is.
func compareTimeline(t *testing.T, file, want, got string) {
	t.Helper()
	if !sameTimeline(want, got) {
		golden.Compare(t, file, got)
	}
}

// sameTimeline reports whether two timelines have the same lines: events with times within the slack, in
// the order of their times, all others in the same order.
func sameTimeline(a, b string) bool {
	eventsA, othersA := splitTimeline(a)
	eventsB, othersB := splitTimeline(b)
	if !slices.Equal(othersA, othersB) || len(eventsA) != len(eventsB) {
		return false
	}
	// The events of the same words are in the order of their times on both sides.
	for words, times := range eventsA {
		if !slices.EqualFunc(times, eventsB[words], sameTimes) {
			return false
		}
	}
	return true
}

var (
	// eventLine matches what follows of something in a timeline.
	eventLine = regexp.MustCompile(`^ {4}\d\d:\d\d:\d\d(\.\d)? [#=.>] `)
	// timeInLine matches a time since the beginning, one with a date, and how long something took.
	timeInLine = regexp.MustCompile(`\b(2000-01-01 )?\d\d:\d\d:\d\d(\.\d)?\b|\b\d+[hms]( \d+[ms])*\b`)
)

// splitTimeline returns the times in events, by the words around them, and all other lines.
func splitTimeline(text string) (events map[string][][]instant, others []string) {
	events = map[string][][]instant{}
	for line := range strings.Lines(text) {
		if !eventLine.MatchString(line) {
			others = append(others, line)
			continue
		}
		var times []instant
		words := timeInLine.ReplaceAllStringFunc(line, func(s string) string {
			times = append(times, parseInstant(s))
			return "TIME"
		})
		events[words] = append(events[words], times)
	}
	return events, others
}

// An instant is a time in a line, and by how much it may differ.
type instant struct {
	at    time.Duration
	slack time.Duration
}

func parseInstant(text string) instant {
	clock, hasDate := strings.CutPrefix(text, "2000-01-01 ")
	if !strings.Contains(clock, ":") {
		d, _ := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
		return instant{d, secondsSlack}
	}
	parts := strings.Split(clock, ":")
	d, _ := time.ParseDuration(parts[0] + "h" + parts[1] + "m" + parts[2] + "s")
	if hasDate {
		return instant{d, secondsSlack}
	}
	return instant{d, slack}
}

func sameTimes(a, b []instant) bool {
	return slices.EqualFunc(a, b, func(a, b instant) bool { return (a.at - b.at).Abs() <= a.slack })
}

// What a reader can see stays compared; what depends on the order of goroutines does not.
func TestTimelinesMayDifferByASlackOnly(t *testing.T) {
	t.Parallel()
	const timeline = `00:01:00 mx1/imaps: tls timeout
    00:01:04 . fra1: mx1/imaps failing since 00:01:03.9, timeout
    00:01:04.1 = lon1 is following
00:05:00 nodes of fra1
    fra1 is deciding, decider "fra1"
    00:05:05.2 > fra1 to email.mail: RECOVERED mx1/imaps: over after 4m 1s, since 2000-01-01 00:01:03 UTC
`
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"", "", true},
		{"00:01:04 .", "00:01:04.2 .", true},
		{"00:01:04 .", "00:01:04.3 .", false},
		{"since 00:01:03.9", "since 00:01:04", true},
		{"since 00:01:03.9", "since 00:01:05", false},
		{"4m 1s", "4m", true},
		{"4m 1s", "4m 3s", false},
		{"00:01:03 UTC", "00:01:02 UTC", true},
		{"00:01:03 UTC", "00:01:05 UTC", false},
		{"lon1 is following", "lon1 is alone", false},
		{"00:05:00 nodes", "00:05:01 nodes", false},
		{"fra1 is deciding", "fra1 is following", false},
		{"    00:01:04.1 = lon1 is following\n", "", false},
		{"    00:01:04.1 = lon1 is following\n", "    00:01:04.1 = lon1 is following\n    00:01:04.1 = lon1 is following\n", false},
		{
			"    00:01:04 . fra1: mx1/imaps failing since 00:01:03.9, timeout\n    00:01:04.1 = lon1 is following\n",
			"    00:01:04 = lon1 is following\n    00:01:04.1 . fra1: mx1/imaps failing since 00:01:03.9, timeout\n", true,
		},
	} {
		if got := sameTimeline(timeline, strings.Replace(timeline, c.old, c.new, 1)); got != c.same {
			t.Errorf("%q instead of %q: the same %v", c.new, c.old, got)
		}
	}
}
