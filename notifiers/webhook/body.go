package webhook

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// version counts changes that a receiver has to know of. A new key is none.
const version = 1

// event is the body. Every key is always there. What is not known is "" (or []
// for groups), a time that has not come is null, and so is the incident of a
// test. Times are RFC 3339 in UTC.
type event struct {
	Version  int       `json:"version"`
	Type     string    `json:"type"`
	Key      string    `json:"key"`
	At       time.Time `json:"at"`
	Role     string    `json:"role"` // its id
	Incident *incident `json:"incident"`
}

type incident struct {
	ID         string       `json:"id"`
	Check      string       `json:"check"`
	Label      string       `json:"label"`
	Server     string       `json:"server"`
	Groups     []string     `json:"groups"` // names, outermost first
	Condition  string       `json:"condition"`
	Severity   string       `json:"severity"`
	State      string       `json:"state"`
	ClosedAs   string       `json:"closed_as"`
	HandedTo   string       `json:"handed_to,omitempty"`   // the node that decides now
	HandedAs   string       `json:"handed_as,omitempty"`   // the incident as which it goes on there
	HandedWell bool         `json:"handed_well,omitempty"` // that node sees the check well
	Phase      string       `json:"phase"`
	Cause      string       `json:"cause"`
	Hint       string       `json:"hint"`
	Evidence   opaque.Words `json:"evidence"`
	Address    string       `json:"address"`
	Node       string       `json:"node"`
	From       string       `json:"from,omitempty"` // which of several nodes see it
	StartedAt  *time.Time   `json:"started_at"`
	ReportedAt *time.Time   `json:"reported_at"`
	EndedAt    *time.Time   `json:"ended_at"`
	DurationS  int64        `json:"duration_s"` // whole seconds, until at while open
	AckedBy    string       `json:"acknowledged_by"`
	AckedUntil *time.Time   `json:"acknowledged_until"` // null: until the incident is closed
	AckReason  string       `json:"acknowledged_reason"`
	URL        string       `json:"url"`
}

// Body returns the JSON of a message: a test, or the one transition that it tells.
func Body(m notifiers.Message) ([]byte, error) {
	e := event{Version: version, Type: string(notifiers.Test), Key: m.Key, At: m.At.UTC(), Role: m.Role}
	if !m.IsTest() {
		item := m.Items[0]
		e.Type = "incident." + string(item.Transition)
		e.Incident = describeIncident(item.Incident, m.At)
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("writing the body: %w", err)
	}
	return body, nil
}

func describeIncident(in notifiers.Incident, at time.Time) *incident {
	return &incident{
		ID: in.ID, Check: in.Check, Label: sanitised(in.Label), Server: in.Server, Groups: append([]string{}, in.Groups...),
		Condition: in.Condition, Severity: in.Severity, State: in.State, ClosedAs: in.ClosedAs,
		Phase: in.Phase, Cause: in.Cause, Hint: sanitised(in.Hint), Evidence: in.Evidence,
		Address: in.Address, Node: in.Node, From: sanitised(in.From), HandedTo: sanitised(in.HandedTo), HandedAs: sanitised(in.HandedAs), HandedWell: in.HandedWell,
		StartedAt: timeOrNull(in.StartedAt), ReportedAt: timeOrNull(in.ReportedAt), EndedAt: timeOrNull(in.EndedAt),
		DurationS: int64(in.Duration(at) / time.Second), URL: in.URL,
		AckedBy: sanitised(in.Acknowledgement.By), AckedUntil: timeOrNull(in.Acknowledgement.Until), AckReason: sanitised(in.Acknowledgement.Reason),
	}
}

func sanitised(text string) string { return opaque.Sanitise(text).String() }

// timeOrNull returns nil, which is null in JSON, for a time that has not come.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
