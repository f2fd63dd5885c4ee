package notifiers

import "strings"

// briefCause returns phase and cause in the fewest words: "connect refused".
func (i Incident) briefCause() string {
	words := strings.TrimSpace(i.Phase + " " + strings.ReplaceAll(i.Cause, "_", " "))
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
	// A reader takes it for the service where nothing else is said.
	if i.Condition != "" && i.Condition != "service" {
		text = strings.TrimSuffix("condition "+i.Condition+"; "+text, "; ")
	}
	return text
}
