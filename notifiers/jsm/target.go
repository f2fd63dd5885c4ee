package jsm

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A Target is what a notify block adds to each alert.
type Target struct {
	Priorities string `json:"priorities,omitempty"` // by state, as [notifiers.JoinMap] makes them
	Tags       string `json:"tags,omitempty"`       // as [notifiers.JoinSet] makes them
	Responders string `json:"responders,omitempty"` // likewise, each "team:NAME" and the like
}

// priorities are those of alerts by the states of incidents, unless a target says otherwise.
var priorities = map[string]string{"down": "P1", "degraded": "P3", "monitor": "P3"}

// What the API takes.
const (
	maxTags       = 20
	maxTag        = 50 // characters
	maxResponders = 50
)

var priorityForm = regexp.MustCompile(`^P[1-5]$`)

// NewTarget makes a target of priorities by state, tags and responders.
func NewTarget(wanted map[string]string, tags, responders []string) (Target, error) {
	for _, state := range slices.Sorted(maps.Keys(wanted)) {
		if priorities[state] == "" {
			return Target{}, fmt.Errorf("priority: %q is no state: they are down, degraded and monitor", state)
		}
		if !priorityForm.MatchString(wanted[state]) {
			return Target{}, fmt.Errorf("priority: that of %s must be P1, P2, P3, P4 or P5, not %q", state, wanted[state])
		}
	}
	if len(tags) > maxTags {
		return Target{}, fmt.Errorf("tags: an alert has at most %d", maxTags)
	}
	for _, tag := range tags {
		if n := utf8.RuneCountInString(tag); n == 0 || n > maxTag {
			return Target{}, fmt.Errorf("tags: %q must have 1 to %d characters", tag, maxTag)
		}
	}
	if len(responders) > maxResponders {
		return Target{}, fmt.Errorf("responders: an alert has at most %d", maxResponders)
	}
	for _, text := range responders {
		if _, ok := readResponder(text); !ok {
			return Target{}, fmt.Errorf("responders: write %q as \"team:NAME\", \"user:EMAIL\", \"escalation:NAME\" or \"schedule:NAME\"", text)
		}
	}
	return Target{notifiers.JoinMap(wanted), notifiers.JoinSet(tags), notifiers.JoinSet(responders)}, nil
}

// String lists the responders, since it is they whom the alerts go to. It is empty where the
// integration says so.
func (t Target) String() string { return strings.Join(notifiers.SplitList(t.Responders), ",") }

// priority returns the priority of an alert about an incident.
func (t Target) priority(in notifiers.Incident) string {
	state := "degraded"
	switch {
	case in.Condition == "monitor":
		state = "monitor"
	case in.Severity == "down":
		state = "down"
	}
	if wanted := notifiers.SplitMap(t.Priorities)[state]; wanted != "" {
		return wanted
	}
	return priorities[state]
}

// A responder is somebody who gets an alert, as the API names him: users by their address, others
// by name.
type responder struct {
	Type     string `json:"type"`
	Name     string `json:"name,omitempty"`
	Username string `json:"username,omitempty"`
}

// readResponder reads "team:NAME" and its like.
func readResponder(text string) (responder, bool) {
	kind, name, found := strings.Cut(text, ":")
	switch {
	case !found || strings.TrimSpace(name) == "":
		return responder{}, false
	case kind == "user":
		return responder{Type: kind, Username: name}, strings.Contains(name, "@")
	}
	return responder{Type: kind, Name: name}, slices.Contains([]string{"team", "escalation", "schedule"}, kind)
}

// responders returns those of a target, as the API names them.
func (t Target) responders() (list []responder) {
	for _, text := range notifiers.SplitList(t.Responders) {
		if r, ok := readResponder(text); ok {
			list = append(list, r)
		}
	}
	return list
}
