package matrix

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	http  *httpdo.Client
	base  string
	token opaque.Secret
}

// Notify sends one message, in the thread of its incident, and replaces the first messages
// about incidents that have ended.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("matrix cannot reach a %T", to))
	}
	if _, err := NewTarget(target.Room, target.Mention); err != nil { // it may come from a file
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	id, err := n.deliver(ctx, target, m)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("writing to Matrix: %w", err)
	}
	words := "event " + id
	if err := n.replaceFirst(ctx, target, m); err != nil {
		words += "; the first message was not changed: " + err.Error()
	}
	return notifiers.Receipt{Answer: n.http.Sanitise(words), Thread: id}, nil
}

// deliver sends a message. When the homeserver refuses the thread, the same message is sent
// beside it.
func (n *notifier) deliver(ctx context.Context, target Target, m notifiers.Message) (id string, err error) {
	made, request := composeEvent(target, m), requestName(m.Key)
	root, last := threadOf(m)
	if root == "" {
		return n.send(ctx, target.Room, request, made)
	}
	id, err = n.send(ctx, target.Room, request, made.inThread(root, last))
	// A redacted event can still be the root; one that stands in a thread itself cannot.
	if said, refused := errors.AsType[*refusal](err); refused && said.status == http.StatusBadRequest {
		return n.send(ctx, target.Room, request, made)
	}
	return id, err
}

// replaceFirst replaces the first message about each incident that has ended. It gives up at the
// first that the homeserver does not replace.
func (n *notifier) replaceFirst(ctx context.Context, target Target, m notifiers.Message) error {
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	for _, ending := range m.Endings() {
		first := ending.Previous.Thread
		if !eventID.MatchString(first) {
			continue
		}
		event := composeEvent(target, ending).replacing(first, ending.Headline())
		if _, err := n.send(ctx, target.Room, requestName(m.Key+" replaces "+first), event); err != nil {
			return err
		}
	}
	return nil
}

// requestName returns the transaction id: the same for the same message, so that the homeserver
// answers as it did the first time and shows no second event.
func requestName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// eventID is the id of an event in any version of rooms. A receipt comes from a file, so it is
// looked at before it is used.
var eventID = regexp.MustCompile(`^\$[A-Za-z0-9+/=_.:\[\]-]{1,254}$`)

// threadOf returns the first and the last message about the incident; "" where there is none, and
// for a message about several incidents, which would be hidden in the thread of the first.
func threadOf(m notifiers.Message) (root, last string) {
	if len(m.Items) != 1 || !eventID.MatchString(m.Previous.Thread) {
		return "", ""
	}
	root, last = m.Previous.Thread, m.Items[0].Thread.Last.Thread
	if !eventID.MatchString(last) {
		last = root
	}
	return root, last
}

// A refusal is what the homeserver said of a request that it did not take.
type refusal struct {
	status int
	error  // the same for people, classified
}

// Unwrap lets the error's class be seen.
func (r *refusal) Unwrap() error { return r.error }

// A problem is the body of an error.
type problem struct {
	Code         string  `json:"errcode"`
	Words        string  `json:"error"`
	RetryAfterMS float64 `json:"retry_after_ms"`
}

// send puts an event into a room and returns its id.
func (n *notifier) send(ctx context.Context, room, request string, e event) (string, error) {
	header := http.Header{"Authorization": {"Bearer " + n.token.Reveal()}}
	answer, err := n.http.JSON(ctx, http.MethodPut, n.sendURL(room, request), header, e)
	if err != nil {
		return "", refused(answer, err)
	}
	var made struct {
		ID string `json:"event_id"`
	}
	if !answer.Decode(&made) || !eventID.MatchString(made.ID) {
		return "", answer.Unproven("a homeserver of Matrix", "event_id")
	}
	return made.ID, nil
}

// hints say what to do about some errors.
var hints = map[string]string{
	"M_UNKNOWN_TOKEN": "make an access token that does not expire",
	"M_MISSING_TOKEN": "make an access token that does not expire",
	"M_USER_LOCKED":   "ask the administrator of the homeserver to unlock the user",
	"M_FORBIDDEN":     "invite the user into the room, and join it",
}

// refused classifies what the homeserver said; err is the answer's own class.
func refused(answer httpdo.Answer, err error) error {
	var said problem
	if answer.Status == 0 || !answer.Decode(&said) || said.Code == "" {
		return err
	}
	words := strings.TrimSuffix(said.Code+": "+said.Words, ": ")
	if hint := hints[said.Code]; hint != "" {
		words += " (" + hint + ")"
	}
	if notifiers.IsPermanent(err) {
		return &refusal{answer.Status, answer.Refusal(words)}
	}
	// Older homeservers say in the body how long to wait.
	wait := max(notifiers.Wait(err), httpdo.Seconds(said.RetryAfterMS/float64(time.Second/time.Millisecond)))
	return &refusal{answer.Status, answer.Later(words, wait)}
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }
