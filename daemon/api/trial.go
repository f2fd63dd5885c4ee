package api

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// A Trial is what `notify-test --json` prints.
type Trial struct {
	Role       config.RoleID   `json:"role"`
	Deliveries []TrialDelivery `json:"deliveries"`
}

// A TrialDelivery is one test message.
type TrialDelivery struct {
	Notifier string       `json:"notifier"`
	Kind     string       `json:"kind"`
	Target   string       `json:"target"`
	State    string       `json:"state"` // sent or dead
	Answer   opaque.Words `json:"answer"`
}
