package glossary

import (
	"fmt"
	"iter"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// TestEveryWord: each word of the tables has an entry with meaning and remedy, in whole
// sentences, and there is no entry for a word that does not exist.
func TestEveryWord(t *testing.T) {
	holds(t, "state of a check", all(incident.CheckStates()), checkStates)
	holds(t, "state of an incident", all(incident.Statuses()), statuses)
	holds(t, "ending of an incident", all(incident.Endings()), endings)
	holds(t, "state of a message", all(outbox.DeliveryStates()), deliveryStates)
	holds(t, "reason to hold a message", all(outbox.HeldReasons()), heldReasons)
	holds(t, "condition", config.AllConditions().All(), conditions)
	holds(t, "phase", config.Phases(), phases)
	holds(t, "cause", config.Causes(), causes)
}

// aSentence begins with a capital letter, or with the name of the program or of an
// attribute, and ends with a full stop.
var aSentence = regexp.MustCompile(`^([A-Z]|imapvigil|token_url).*\.$`)

func holds[T comparable](t *testing.T, kind string, words iter.Seq[T], entries map[T]Entry) {
	t.Helper()
	known := map[T]bool{}
	for word := range words {
		known[word] = true
		for what, text := range map[string]string{"meaning": entries[word].Meaning, "remedy": entries[word].Remedy} {
			if !aSentence.MatchString(text) {
				t.Errorf("the %s %q has the %s %q: write sentences for people, in package glossary", kind, fmt.Sprint(word), what, text)
			}
		}
	}
	for word := range entries {
		if !known[word] {
			t.Errorf("%q is no %s", fmt.Sprint(word), kind)
		}
	}
}

// TestPage: every word is in the page, and nothing of the frame is left over.
func TestPage(t *testing.T) {
	var b strings.Builder
	if err := Page(&b, time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if !strings.HasPrefix(page, ".Dd November 30, 2026\n") || strings.Contains(page, "@") {
		t.Errorf("the frame is not filled:\n%s", page)
	}
	golden.Plain(t, "the page", page)
	for cause := range config.Causes() {
		if !strings.Contains(page, "\n.It Cm "+string(cause)+" Pq ") {
			t.Errorf("the page does not have %s", cause)
		}
	}
	for _, want := range []string{".It Cm down Pq exit code 2\n", ".It Cm service Pq down\n", ".It Cm refused Pq service; connect\n.Dq connection refused .\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}
