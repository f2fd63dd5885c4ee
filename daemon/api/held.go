package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Held is why a destination is not told of an incident now, in `incidents ID --json`.
// Where nobody is to be told at all, Notifier, Target and Roles are empty.
type Held struct {
	Notifier string          `json:"notifier"`
	Kind     string          `json:"kind"`
	Target   string          `json:"target"`
	Roles    []config.RoleID `json:"roles"`
	// Transition is what would be told; empty: that is not decided.
	Transition string            `json:"transition"`
	Reason     outbox.HeldReason `json:"reason"`
	// Until is when this may end; null: when something happens, or never.
	Until  *time.Time `json:"until"`
	Detail string     `json:"detail"` // the reason in words
}

// HeldByLimit is the reason that stands among the deliveries, too, as what is queued.
const HeldByLimit = outbox.HeldByLimit

// heldList is the answer to "why was I not told?" of one incident.
type heldList struct {
	Held []Held `json:"held"`
}

func newHeldList(list []outbox.Held) heldList {
	answer := heldList{Held: make([]Held, 0, len(list))} // JSON says [], not null
	for i := range list {
		h := &list[i]
		answer.Held = append(answer.Held, Held{
			Notifier: string(h.NotifyID.Notifier), Kind: string(h.Kind), Target: h.Destination().Target, Roles: append([]config.RoleID{}, h.Roles...),
			Transition: string(h.Transition), Reason: h.Reason, Until: moment(h.Until), Detail: h.Detail(),
		})
	}
	return answer
}
