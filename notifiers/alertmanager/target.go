package alertmanager

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A Target is the labels that a notify block adds to each alert.
type Target struct {
	Labels string `json:"labels,omitempty"` // as [notifiers.JoinMap] makes them
}

// NewTarget makes a target of further labels.
func NewTarget(labels map[string]string) (Target, error) {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		switch {
		case !labelName.MatchString(name):
			return Target{}, fmt.Errorf("labels: %q is not the name of a label: it must be letters, digits and _, and not begin with a digit", name)
		case strings.HasPrefix(name, "__"):
			return Target{}, fmt.Errorf("labels: %q begins with __, which is for Prometheus itself", name)
		case ours[name]:
			return Target{}, fmt.Errorf("labels: %q is a label that imapvigil sets", name)
		case strings.TrimSpace(labels[name]) == "":
			return Target{}, fmt.Errorf("labels: %q is empty, which for Alertmanager is no label", name)
		}
	}
	return Target{Labels: notifiers.JoinMap(labels)}, nil
}

// labelName is what Alertmanager takes for the name of a label.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// ours are the labels that say what an alert is about.
var ours = map[string]bool{
	"alertname": true, "check": true, "server": true, "group": true, "condition": true, "instance": true, "severity": true,
	"job": true, "incident": true,
}

// String lists the labels. They are part of the destination, since an alert with other labels is
// another alert.
func (t Target) String() string {
	labels := notifiers.SplitMap(t.Labels)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, name+"="+labels[name])
	}
	return strings.Join(parts, ",")
}
