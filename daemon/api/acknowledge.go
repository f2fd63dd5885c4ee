package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// An Acknowledgement says that a person works on an incident.
type Acknowledgement struct {
	Incident incident.ID `json:"incident"`
	At       time.Time   `json:"at"`
	By       string      `json:"by"`    // empty: it is not known
	Until    *time.Time  `json:"until"` // null: until the incident is closed
	Reason   string      `json:"reason"`
}

// newAcknowledgement returns who works on an incident; nil: nobody.
func newAcknowledgement(in incident.Incident) *Acknowledgement {
	if !in.Acknowledged() {
		return nil
	}
	return &Acknowledgement{in.ID, in.AckedAt.UTC(), in.AckedBy, moment(in.AckedUntil), in.AckReason}
}

// Acknowledged is the answer to an acknowledgement, and to the end of one.
type Acknowledged struct {
	Incident  incident.ID      `json:"incident"`
	Check     config.CheckID   `json:"check"`
	Condition config.Condition `json:"condition"`
	By        string           `json:"by"` // as it is kept
	// Before is the acknowledgement that this one replaced, or that was ended; null: there
	// was none.
	Before *Acknowledgement `json:"before"`
}

func newAcknowledged(before incident.Incident, by string) Acknowledged {
	return Acknowledged{before.ID, before.Check, before.Condition, by, newAcknowledgement(before)}
}

// An acknowledgement is the request for one, or, without reason and time, for its end.
type acknowledgement struct {
	Signature
	Incident incident.ID `json:"incident"`
	Reason   string      `json:"reason"`
	Until    time.Time   `json:"until,omitzero"`
}

// A newSilence is the request for a silence. By stands in the Silence.
type newSilence struct {
	Silence
	User string `json:"user,omitempty"`
}

// Noted is the answer to a note: as it is kept.
type Noted struct {
	Incident incident.ID    `json:"incident"`
	Check    config.CheckID `json:"check"`
	At       time.Time      `json:"at"`
	By       string         `json:"by"`
	Text     string         `json:"text"`
	Public   bool           `json:"public"`
}

func newNoted(e incident.Event) Noted {
	return Noted{e.Incident, e.Check, e.At.UTC().Round(0), e.By, e.Reason, e.Public}
}

// A note is the request for one.
type note struct {
	Signature
	Incident incident.ID `json:"incident"`
	Text     string      `json:"text"`
	Public   bool        `json:"public"`
}
