package glossary

import (
	_ "embed"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/mdoc"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

//go:embed states.mdoc
var frame string

// Page writes the manual page imapvigil-states(7) in mdoc(7).
func Page(w io.Writer, date time.Time) error {
	page := frame
	for mark, text := range map[string]string{
		"DATE":       date.UTC().Format("January 2, 2006"),
		"CHECKS":     entryList(all(incident.CheckStates()), checkStates, exitOf),
		"STATUSES":   entryList(all(incident.Statuses()), statuses, nil),
		"ENDINGS":    entryList(all(incident.Endings()), endings, nil),
		"DELIVERIES": entryList(all(outbox.DeliveryStates()), deliveryStates, nil),
		"HELD":       entryList(all(outbox.HeldReasons()), heldReasons, nil),
		"CONDITIONS": entryList(config.AllConditions().All(), conditions, func(c config.Condition) string { return string(c.Severity()) }),
		"PHASES":     entryList(config.Phases(), phases, nil),
		"CAUSES":     entryList(config.Causes(), causes, causeShows),
	} {
		page = strings.ReplaceAll(page, "@"+mark+"@", text)
	}
	_, err := io.WriteString(w, mdoc.Lines(page))
	return err
}

// all yields the elements of a list.
func all[T any](list []T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, element := range list {
			if !yield(element) {
				return
			}
		}
	}
}

// entryList writes words with their entries; remark, if there is one, is what stands in
// parentheses behind a word.
func entryList[T comparable](words iter.Seq[T], entries map[T]Entry, remark func(T) string) string {
	var b strings.Builder
	b.WriteString(".Bl -tag -width indent\n")
	for word := range words {
		fmt.Fprintf(&b, ".It Cm %s", mdoc.Text(fmt.Sprint(word)))
		if remark != nil {
			fmt.Fprintf(&b, " Pq %s", mdoc.Text(remark(word)))
		}
		b.WriteString("\n")
		if c, isCause := any(word).(config.Cause); isCause {
			fmt.Fprintf(&b, ".Dq %s .\n", mdoc.Text(c.Text())) // as messages have it
		}
		entry := entries[word]
		fmt.Fprintf(&b, "%s\n", mdoc.Text(entry.Meaning))
		if entry.Remedy != nothing {
			fmt.Fprintf(&b, ".Pp\n.Em What to do :\n%s\n", mdoc.Text(entry.Remedy))
		}
	}
	b.WriteString(".El") // the frame has the end of the line
	return b.String()
}

// exitOf says with which code status ends for a check in a state.
func exitOf(s incident.CheckState) string { return fmt.Sprintf("exit code %d", s.ExitCode()) }

// causeShows names the conditions that a cause belongs to and the phases in which it shows.
func causeShows(c config.Cause) string {
	if c.About() == 0 {
		return "a note, no incident"
	}
	var words []string
	for condition := range c.About().All() {
		words = append(words, string(condition))
	}
	text := strings.Join(words, ", ")
	phases := c.Phases()
	if len(phases) == 0 || len(phases) == int(config.PhaseCount)-1 { // any
		return text
	}
	words = nil
	for _, p := range phases {
		words = append(words, p.String())
	}
	return text + "; " + strings.Join(words, ", ")
}
