package outbox

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A Key names a notification, and is the idempotency key of its message.
type Key string

// A Notification is the decision to tell one destination something. It is journaled
// before it is sent.
type Notification struct {
	Key Key       `json:"key"`
	At  time.Time `json:"at"`
	// NotifyID is the destination, and the first of the roles that asked for this.
	NotifyID config.NotifyID `json:"way"`
	// Roles are all that asked for this, when there are more than one.
	Roles []config.RoleID `json:"roles,omitempty"`
	Kind  notifiers.Kind  `json:"kind"`
	// To is the target as its notifier encodes it, so that a closing still
	// arrives after the notify block has left the files.
	To    json.RawMessage `json:"to,omitempty"`
	Items []Item          `json:"items"`
	// Replaces are notifications, not delivered yet, that this one makes needless.
	Replaces []Key `json:"replaces,omitempty"`
	// NoClosing is of older journals, in which items did not have it; it counts for all
	// items.
	NoClosing bool `json:"no_closing,omitempty"`
}

// An Item is one transition of one incident.
type Item struct {
	Incident   incident.ID          `json:"incident"`
	Transition notifiers.Transition `json:"transition"`
	// Episode counts the openings of the incident, Worsened how often it had got
	// worse: what the destination knows once this is told.
	Episode  int `json:"bout"`
	Worsened int `json:"worsened,omitempty"`
	// Untold: the opening never arrived, so this closing tells both.
	Untold bool `json:"untold,omitempty"`
	// NoClosing: no role asked for the closing, so none is owed.
	NoClosing bool `json:"no_closing,omitempty"`
	// Acknowledged is when the acknowledgement was made that the destination knows of once this is
	// told; zero: it knows of none.
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	// Unannounced: the destination was never told of the opening and is not told of this
	// closing either; the item only ends what waited to be told.
	Unannounced bool `json:"unannounced,omitempty"`
}

// TellsNothing reports whether nothing is sent: the notification only ends what waited.
func (t *Notification) TellsNothing() bool {
	return len(t.Items) > 0 && !slices.ContainsFunc(t.Items, func(i Item) bool { return !i.Unannounced })
}

// Halves returns two notifications that together tell, and replace, what t does, for a
// journal that cannot keep t as one record. A notification of one item cannot be halved.
func (t Notification) Halves() []Notification {
	first, second := t, t
	n, k := len(t.Items)/2, len(t.Replaces)/2
	first.Items, second.Items = t.Items[:n:n], t.Items[n:]
	first.Replaces, second.Replaces = t.Replaces[:k:k], t.Replaces[k:]
	first.Key, second.Key = first.deriveKey(), second.deriveKey()
	return []Notification{first, second}
}

// EndsTold reports whether the item is the end of what its destination has heard of.
func (i Item) EndsTold() bool { return i.Transition == notifiers.Closed && !i.Untold }

// deriveKey returns the key of the notification: the same one for the same content. What it replaces counts, so that
// it never has the key of that: an acknowledgement may follow another one at the same moment.
func (t Notification) deriveKey() Key {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d", t.NotifyID.Role, t.NotifyID.Notifier, t.NotifyID.Target, t.At.UnixNano())
	for _, item := range t.Items {
		fmt.Fprintf(h, "\x00%s %s %d %d", item.Incident, item.Transition, item.Episode, item.Worsened)
	}
	for _, key := range t.Replaces {
		fmt.Fprintf(h, "\x00replaces %s", key)
	}
	// 15 bytes, 120 bits, are 24 characters of base32 without padding.
	return Key("iv_" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:15])))
}
