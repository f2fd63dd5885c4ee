package golden

import (
	"regexp"
	"strings"
	"testing"
)

// notPlain are words that readers had to guess at. The usual ones are "notified",
// "destination", "string", "ping", "acknowledge", "format", "written", "discarded", "fix",
// "should", "again".
var notPlain = regexp.MustCompile(`(?i)\b(told|tells?|hears?|watcher|ways?|a text|this text|is a text|signs? of life|takes? on|lays? out|stands? (in|twice|here)|not believed|the like|and this is|nothing called|mends?|mended|shall|anew|whoever)\b`)

// Plain fails the test for each line of a text for people that has words which are not
// plain. The lines of an excerpt of a file are not ours, and are left out.
func Plain(t testing.TB, where, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if found := notPlain.FindString(line); found != "" && !excerpt.MatchString(line) {
			t.Errorf("%s says %q: %s", where, found, strings.TrimSuffix(line, "\n"))
		}
	}
}

// excerpt matches a line of a file in a diagnostic: "  12 | interval = 1".
var excerpt = regexp.MustCompile(`^\s+[0-9]* \|`)
