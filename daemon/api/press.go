package api

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	// codeLength bounds a code, in bytes: Telegram takes 64 with a button.
	codeLength = 60
	// codeMAC is the length of the MAC in a code, in characters: 128 bits of SHA-256.
	codeMAC = 22
	// longestMonitor bounds the name of a machine, in bytes: hostname(7) has 64 at most.
	longestMonitor = 64
)

// Code returns the value of a button that acknowledges an incident in a message of a notifier,
// `INCIDENT.MAC`; empty: there is no key. It is worth something only when that notifier brings it
// back, and until the incident is closed.
func (l Links) Code(id incident.ID, sentBy config.NotifierID) string {
	if len(l.key) != LinkKeySize {
		return ""
	}
	if code := string(id) + "." + l.signCode(id, sentBy); len(code) <= codeLength {
		return code
	}
	return "" // ids are far shorter
}

func (l Links) signCode(id incident.ID, sentBy config.NotifierID) string {
	// What a link signs has dots in it and no line end, so neither can be taken for the other.
	return l.sign("button of " + string(sentBy) + "\n" + string(id))[:codeMAC]
}

// ReadCode returns the incident of a code, if this key has signed it for the notifier.
func (l Links) ReadCode(code string, sentBy config.NotifierID) (id incident.ID, isOurs bool) {
	said, mac, _ := strings.Cut(code, ".")
	id = incident.ID(said)
	if len(l.key) != LinkKeySize || !hmac.Equal([]byte(mac), []byte(l.signCode(id, sentBy))) {
		return "", false
	}
	return id, true
}

// errNotAcknowledged says that a press has changed nothing; the words beside it say why.
var errNotAcknowledged = errors.New("nothing was acknowledged")

// Presses acknowledges what people have pressed a button for, in messages of this daemon.
type Presses struct {
	Daemon  Daemon
	Links   Links
	Monitor string // as messages call this daemon
}

// Take acknowledges the incident of a button that somebody pressed in a message of a notifier, and
// returns what to say to them. It is an error unless this press has acknowledged.
func (ps Presses) Take(ctx context.Context, sentBy config.NotifierID, p notifiers.Press) (words string, err error) {
	id, isOurs := ps.Links.ReadCode(p.Code, sentBy)
	if !isOurs {
		return ps.refusal(p), errNotAcknowledged
	}
	if _, err := (Link{Incident: id}).IncidentOf(ctx, ps.Daemon); err != nil {
		return err.Error(), errNotAcknowledged
	}
	author := pressAuthor(p)
	before, err := ps.Daemon.Acknowledge(ctx, id, tracker.Acknowledgement{By: author, Reason: reasonUnsaid, Once: true})
	switch {
	case err != nil:
		return "Nothing is acknowledged: " + err.Error() + ". Try again, or acknowledge with the command in the message.", errNotAcknowledged
	case before.Acknowledged():
		return "This incident is already acknowledged" + acknowledgedBy(ctx, ps.Daemon, before) + ".", errNotAcknowledged
	}
	return "Acknowledged by " + strings.TrimPrefix(author, "by ") + ". There are no more reminders and no escalations until the incident is over.", nil
}

// refusal says why a button does nothing that this daemon has not sent.
func (ps Presses) refusal(p notifiers.Press) string {
	const advice = " Acknowledge with the command in the message."
	if sender := opaque.Bounded(p.Monitor, longestMonitor); sender != "" && sender != ps.Monitor {
		return "This button is of imapvigil on " + sender + ", and " + opaque.Bounded(p.Via, longestName) + " has sent it to imapvigil on " + ps.Monitor +
			": each imapvigil needs an app of its own." + advice
	}
	return "This button is not one that imapvigil has sent, or a new key was made since." + advice
}

// pressAuthor returns who acknowledges by a button, as the journal keeps it.
func pressAuthor(p notifiers.Press) string {
	by := "by " + opaque.Bounded(p.Via, longestName)
	if name := opaque.Bounded(strings.TrimSpace(p.By), longestName); name != "" {
		return name + ", " + by
	}
	return by
}

// acknowledgedBy returns who acknowledged an incident and when, as the end of a sentence.
func acknowledgedBy(ctx context.Context, d Daemon, in incident.Incident) string {
	text := ""
	if in.AckedBy != "" {
		text = " by " + strings.TrimPrefix(in.AckedBy, "by ")
	}
	zone := time.UTC
	if s, err := d.Snapshot(ctx); err == nil && s.Config != nil {
		zone = s.Config.Daemon.Location()
	}
	return text + fmt.Sprintf(", at %s", in.AckedAt.In(zone).Format("15:04 MST"))
}
