package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The bounds of what a failing test prints of a daemon's log.
const (
	excerptTroubles = 60  // lines of warnings and errors, one for each message
	excerptLast     = 100 // lines of the end
	excerptWidth    = 400 // bytes of a line
)

// excerpt gives what matters of a log that may have megabytes: a race with its
// stacks, each kind of warning or error once, with how often it came, and the end.
func excerpt(log string) string {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	var b strings.Builder
	if i := strings.Index(log, "WARNING: DATA RACE"); i >= 0 {
		race := strings.Split(log[i:], "\n")
		return writeLines(&b, race[:min(len(race), excerptTroubles+excerptLast)])
	}
	times := map[string]int{}
	var troubles []string
	for _, line := range lines[:max(0, len(lines)-excerptLast)] {
		var entry struct{ Level, Msg string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Level != "warn" && entry.Level != "error" {
			continue // what is no JSON is a panic, or another program's words
		}
		if times[entry.Msg]++; times[entry.Msg] == 1 || entry.Msg == "" {
			troubles = append(troubles, line)
		}
	}
	if n := len(troubles); n > 0 {
		fmt.Fprintf(&b, "warnings and errors before the last %d lines, each once:\n", excerptLast)
		writeLines(&b, troubles[:min(n, excerptTroubles)])
		if n > excerptTroubles {
			fmt.Fprintf(&b, "... and %d more\n", n-excerptTroubles)
		}
	}
	if n := len(lines) - excerptLast; n > 0 {
		fmt.Fprintf(&b, "the last of %d lines:\n", len(lines))
		lines = lines[n:]
	}
	return writeLines(&b, lines)
}

func writeLines(b *strings.Builder, lines []string) string {
	for _, line := range lines {
		if len(line) > excerptWidth {
			line = line[:excerptWidth] + "..."
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func TestExcerptOfALog(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&log, `{"level":"info","msg":"a message was delivered","n":%d,"long":%q}`+"\n", i, strings.Repeat("x", 1000))
		if i%100 == 0 {
			fmt.Fprintf(&log, `{"level":"warn","msg":"a message could not be delivered","n":%d}`+"\n", i)
		}
		if i == 500 {
			log.WriteString("panic: at the disco\n")
		}
	}
	short := excerpt(log.String())
	if n := strings.Count(short, "\n"); n > 200 || len(short) > 200*(excerptWidth+10) {
		t.Errorf("%d lines, %d bytes", n, len(short))
	}
	for _, want := range []string{"panic: at the disco", `"msg":"a message could not be delivered","n":0}`, `"n":9999`} {
		if !strings.Contains(short, want) {
			t.Errorf("%s is not in\n%s", want, short)
		}
	}
	if got := excerpt("one\ntwo\n"); got != "one\ntwo\n" {
		t.Errorf("a short log is %q", got)
	}
	race := excerpt(log.String() + "WARNING: DATA RACE\nRead at 0x0\n" + log.String())
	if !strings.HasPrefix(race, "WARNING: DATA RACE\nRead at 0x0\n") || strings.Count(race, "\n") > 200 {
		t.Errorf("a race is\n%s", race)
	}
}
