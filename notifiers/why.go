package notifiers

import (
	"strings"
	"unicode"
)

// briefCause returns phase and cause in the fewest words: "connect refused".
func (i Incident) briefCause() string {
	if problem, _ := i.problem(); problem != "" {
		return problem
	}
	words := strings.ReplaceAll(i.Cause, "_", " ")
	// What is missing is a capability, and not a capability capability.
	if !strings.HasPrefix(words, i.Phase+" ") {
		words = strings.TrimSpace(i.Phase + " " + words)
	}
	if words == "" {
		return i.Condition
	}
	return words
}

// explainedCause explains the cause and gives its fixed word, by which metrics,
// journal and manual know it.
func (i Incident) explainedCause() string {
	text := i.Cause
	if i.CauseText != "" {
		text = i.CauseText + " (" + i.Cause + ")"
	}
	if i.Phase != "" && text != "" {
		text = i.Phase + ": " + text
	}
	switch i.Condition {
	case "", "service":
	case monitor:
		// The headline says what is wrong, and what is called local_fault may as well be a
		// mistake in a file.
		if i.Hint != "" && i.Cause == "local_fault" {
			return ""
		}
	default:
		// A reader takes it for the service where nothing else is said.
		text = strings.TrimSuffix("condition "+i.Condition+"; "+text, "; ")
	}
	return text
}

// problem returns what is wrong with the monitor itself as it stands in a headline, which is
// the first sentence of its hint, and the rest of the hint. It returns "" of the incidents of
// checks.
func (i Incident) problem() (what, rest string) {
	if i.Condition != monitor {
		return "", ""
	}
	what, rest, _ = strings.Cut(sanitisedLine(i.Hint), ". ")
	what = strings.TrimSuffix(what, ".")
	// A sentence begins with a capital, and a headline has it behind a colon. What is a name
	// keeps its form: IPv6, or the name of a file.
	first, _, _ := strings.Cut(what, " ")
	if n := []rune(first); len(n) > 1 && unicode.IsUpper(n[0]) && !strings.ContainsFunc(string(n[1:]), notLower) {
		what = string(unicode.ToLower(n[0])) + strings.TrimPrefix(what, string(n[0]))
	}
	return what, rest
}

func notLower(r rune) bool { return !unicode.IsLower(r) }

// remainingHint returns what the headline does not say of the hint.
func (i Incident) remainingHint() string {
	if i.Condition == monitor {
		_, rest := i.problem()
		return rest
	}
	return sanitisedLine(i.Hint)
}
