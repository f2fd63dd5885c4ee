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

// In reports whether a configuration has what the scope is about.
func (s Scope) In(cfg *config.Config) (known bool) {
	switch {
	case s.Group != "":
		_, known = cfg.Groups[s.Group]
	case s.Server != "":
		_, known = cfg.Servers[s.Server]
	case s.Check != "":
		_, known = cfg.Checks[s.Check]
	case s.Role != "":
		_, known = cfg.Roles[s.Role]
	}
	return known
}

// CountChecks returns how many checks of a configuration a scope is about; a role is about
// none.
func (s Scope) CountChecks(cfg *config.Config) (n int) {
	for id, c := range cfg.Checks {
		if s.covers(id, c, "") {
			n++
		}
	}
	return n
}

// MutesNothing reports whether a silence about the scope would keep nothing from being sent:
// a configuration does not have what it is about, or no check is in it.
func (s Scope) MutesNothing(cfg *config.Config) bool {
	return !s.In(cfg) || s.Role == "" && s.CountChecks(cfg) == 0
}

// A Silence is somebody's word that nothing is to be sent for a while. It is
// journaled whole; one that is ended early is journaled again.
type Silence struct {
	ID     string    `json:"id"`
	Scope  Scope     `json:"scope"`
	Reason string    `json:"reason,omitempty"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	// By is who began it, EndedBy who ended it before its time; older journals say neither.
	By      string `json:"by,omitempty"`
	EndedBy string `json:"ended_by,omitempty"`
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
	return s.Scope.covers(id, check, role)
}

// covers reports whether a scope is about a check, or a role.
func (s Scope) covers(id config.CheckID, check *config.Check, role config.RoleID) bool {
	switch {
	case s.Role != "":
		return s.Role == role
	case s.Check != "":
		return s.Check == id
	}
	// A check that has left the files is in no group and on no server.
	return check != nil && calendar.Covers(config.Ref{Group: s.Group, Server: s.Server}, check)
}
