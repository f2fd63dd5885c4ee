package pages

import (
	"net/http"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// A deliveriesPage is what became of the messages: those that wait, those that were given up, and
// the last that arrived.
type deliveriesPage struct {
	State    shownState
	Sentence string
	Waiting  messageList
	Failed   messageList
	Last     messageList
}

// A messageList is messages of one kind.
type messageList struct {
	Rows []messageRow
	More int
}

// A messageRow is one message to one destination.
type messageRow struct {
	Key       string
	State     shownState
	Word      string
	To        string
	At        stamp
	Attempts  string
	Next      stamp
	Answer    string // what the other side said, or why it could not be asked
	Note      string
	Items     []itemRow
	MoreItems int
}

// An itemRow is what a message says of one check.
type itemRow struct{ Says, Check, Link string }

const (
	// The words of the states are an interface of the API.
	stateRetrying = "retrying"
	stateSent     = "sent"

	mostMessages = 100
	mostItems    = 5 // of one message
)

func (v *viewer) serveDeliveries(w http.ResponseWriter, r *http.Request) {
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	list, err := api.DeliveriesFor(r.Context(), v.Daemon, true)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	p := f.deliveries(list.Deliveries, api.VisitorOf(r.Context()))
	frame := newView(r, f, "/deliveries", "Deliveries")
	frame.Content, frame.State = p, p.State
	show(w, r, http.StatusOK, "deliveries", frame)
}

// deliveries sorts messages, which are the oldest first, into those that need somebody and those
// that do not. The last ones are shown first.
func (f *fleet) deliveries(list []api.DeliveryOf, visitor *api.Visitor) *deliveriesPage {
	p := &deliveriesPage{}
	retrying := 0
	for i := len(list) - 1; i >= 0; i-- {
		d := &list[i]
		switch {
		case d.GivenUp() && d.Neglected() && !d.Replaced:
			p.Failed.add(f, d, visitor)
		case d.GivenUp() || d.State.Final():
			p.Last.add(f, d, visitor)
		default:
			if d.State == stateRetrying {
				retrying++
			}
			p.Waiting.add(f, d, visitor)
		}
	}
	slices.Reverse(p.Waiting.Rows) // what waits longest needs somebody first
	failed, waiting := p.Failed.count(), p.Waiting.count()
	switch p.State = "ok"; {
	case failed > 0:
		p.State, p.Sentence = "down", counted(failed, "message was", "messages were")+" not delivered"
		if waiting > 0 {
			p.Sentence += ", " + counted(waiting, "waits", "wait")
		}
	case retrying > 0:
		p.State, p.Sentence = "degraded", counted(retrying, "message is", "messages are")+" tried again"
	case waiting > 0:
		p.Sentence = counted(waiting, "message waits", "messages wait")
	case p.Last.count() > 0:
		p.Sentence = "All messages were delivered"
	default:
		p.State, p.Sentence = noState, "No message was sent yet"
	}
	return p
}

func (l *messageList) count() int { return len(l.Rows) + l.More }

func (l *messageList) add(f *fleet, d *api.DeliveryOf, visitor *api.Visitor) {
	if len(l.Rows) >= mostMessages {
		l.More++
		return
	}
	l.Rows = append(l.Rows, f.messageRow(d, visitor))
}

func (f *fleet) messageRow(d *api.DeliveryOf, visitor *api.Visitor) messageRow {
	row := messageRow{
		Key: string(d.Key), State: messageState(d), Word: string(d.State), To: destinationName(f.Config, d.Roles, d.Notifier, d.Target, visitor),
		At: f.clock.at(&d.At), Next: f.clock.at(d.NextAttemptAt), Answer: d.Answer.String(),
	}
	switch {
	case d.Held != "":
		row.Word, row.Next = "held", f.clock.at(d.Until)
	case d.Replaced:
		row.Word = "replaced"
	case d.DismissedAt != nil:
		row.Note = "dismissed"
		if d.DismissedBy != "" {
			row.Note += " by " + d.DismissedBy
		}
	}
	if d.Attempts > 1 {
		row.Attempts = counted(d.Attempts, "attempt", "attempts")
	}
	row.MoreItems = max(0, len(d.Items)-mostItems)
	for _, item := range d.Items[:len(d.Items)-row.MoreItems] {
		row.Items = append(row.Items, itemRow{item.Says, string(item.Check), incidentLink(item.Incident)})
	}
	return row
}

// messageState is how a message is marked.
func messageState(d *api.DeliveryOf) shownState {
	switch {
	case d.Replaced, d.DismissedAt != nil:
		return noState
	case d.GivenUp():
		return "down"
	case d.State == stateSent:
		return "ok"
	case d.State == stateRetrying:
		return "degraded"
	}
	return "paused"
}
