package outbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

// A Scope is what a silence is about; exactly one field is set.
type Scope struct {
	Group  config.GroupID  `json:"group,omitempty"`
	Server config.ServerID `json:"server,omitempty"`
	Check  config.CheckID  `json:"check,omitempty"`
	Role   config.RoleID   `json:"role,omitempty"`
}

// String names the scope for people.
func (s Scope) String() string {
	switch {
	case s.Group != "":
		return "group " + string(s.Group)
	case s.Server != "":
		return "server " + string(s.Server)
	case s.Check != "":
		return "check " + string(s.Check)
	}
	return "role " + string(s.Role)
}

// A Silence is somebody's word that nothing is to be sent for a while. It is
// journaled whole; one that is ended early is journaled again.
type Silence struct {
	ID     string    `json:"id"`
	Scope  Scope     `json:"scope"`
	Reason string    `json:"reason,omitempty"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
}

// NewSilence gives a silence its ID: 6 characters that can be read out.
func NewSilence(scope Scope, reason string, from, until time.Time) Silence {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", scope, from.UnixNano()))
	return Silence{ID: hex.EncodeToString(sum[:3]), Scope: scope, Reason: reason, From: from, Until: until}
}

// Covers reports whether the silence is about a check, or a role, at a time.
// The check is nil when the files no longer have it.
func (s Silence) Covers(id config.CheckID, check *config.Check, role config.RoleID, at time.Time) bool {
	if at.Before(s.From) || !at.Before(s.Until) {
		return false
	}
	switch {
	case s.Scope.Role != "":
		return s.Scope.Role == role
	case s.Scope.Check != "":
		return s.Scope.Check == id
	}
	// A check that has left the files is in no group and on no server.
	return check != nil && calendar.Covers(config.Ref{Group: s.Scope.Group, Server: s.Scope.Server}, check)
}
