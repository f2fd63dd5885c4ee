package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Destination is where a role is sent messages, and when one last arrived there.
type Destination struct {
	Role     config.RoleID     `json:"role"`
	Notifier config.NotifierID `json:"notifier"`
	Target   string            `json:"target"`
	// ProvedAt is when a message was last delivered there, for whatever role; null: never, as far as
	// is known.
	ProvedAt *time.Time `json:"proved_at"`
	// ProvedBy is what that was, "message" or "test"; empty: nothing.
	ProvedBy string `json:"proved_by"`
	// NotifyTest is how often a test message is sent there; empty: never by itself.
	NotifyTest config.ReportPeriod `json:"notify_test"`
	// FailedAt is when a test message was last not delivered, since ProvedAt; null: none was. Error
	// says why.
	FailedAt *time.Time `json:"failed_at"`
	Error    string     `json:"error"`
}
