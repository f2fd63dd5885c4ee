package telegram

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	http *httpdo.Client
	base string // the URL of the API with the token, up to the name of a method

	mu    sync.Mutex
	moved map[string]chatID // where chats are now, by what the files call them
}

// Notify sends one message, as an answer to the incident's first one, and changes that one
// when the incident has ended.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("telegram cannot reach a %T", to))
	}
	first := firstMessageOf(m)
	d, err := n.deliver(ctx, target, first, m)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("writing to Telegram: %w", err)
	}
	notes := append([]string{fmt.Sprintf("message %d in %d", d.sent.ID, d.sent.Chat.ID)}, d.notes...)
	if moved, ok := n.movedTo(target); ok {
		notes = append(notes, fmt.Sprintf("the group moved: write chat = %q instead of %q", moved, target.Chat))
	}
	if !first.in(numberedChat(d.sent.Chat.ID)) {
		first = firstMessage{chat: d.sent.Chat.ID, id: d.sent.ID, shared: len(m.Items) > 1}
	} else if err := n.markEnded(ctx, first, m); err != nil {
		notes = append(notes, "the first message was not changed: "+err.Error())
	}
	return notifiers.Receipt{Answer: n.http.Sanitise(strings.Join(notes, "; ")), Thread: first.String()}, nil
}

// compose makes what sendMessage takes.
func (n *notifier) compose(target Target, first firstMessage, m notifiers.Message) newMessage {
	made := newMessage{
		Chat: n.chatOf(target), Topic: target.Topic,
		Quiet:   target.Silent || !m.IsTest() && !m.MayMention(),
		content: composeContent(m, true),
	}
	// The general topic has the number 1, which sendMessage does not know
	// (tdlib/telegram-bot-api#798).
	if made.Topic == generalTopic {
		made.Topic = 0
	}
	if first.in(made.Chat) {
		made.Reply = &replyTo{Message: first.id, Anyhow: true}
	}
	return made
}

const generalTopic = 1

// A delivery is a message that was sent.
type delivery struct {
	sent  sentMessage
	notes []string // what should be changed in the files
}

// deliver sends a message, and sends it once more without what Telegram refuses of it, or to
// where the chat has moved.
func (n *notifier) deliver(ctx context.Context, target Target, first firstMessage, m notifiers.Message) (delivery, error) {
	var d delivery
	made := n.compose(target, first, m)
	// Each refusal takes something away, so this ends.
	for moved := false; ; {
		sent, err := n.send(ctx, made)
		said, refused := errors.AsType[*refusal](err)
		switch {
		case !refused:
			d.sent = sent
			return d, err
		case said.movedTo != 0 && !moved:
			moved, made.Chat, made.Reply = true, n.rememberMove(target, said.movedTo), nil
		case made.Topic != 0 && said.says("thread not found", "topic_closed", "topic_deleted"):
			made.Topic = 0
			d.notes = append(d.notes, fmt.Sprintf("not in topic %d, which is closed or does not exist", target.Topic))
		// Telegram judges the URLs of buttons by rules that are not published.
		case made.Keyboard != nil && said.says("button"):
			made.content = composeContent(m, false)
		default:
			return d, err
		}
	}
}

// chatOf returns where a chat is now.
func (n *notifier) chatOf(target Target) chatID {
	if to, ok := n.movedTo(target); ok {
		return to
	}
	return chatID(target.Chat)
}

// movedTo returns where a chat has moved, if it has.
func (n *notifier) movedTo(target Target) (chatID, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	to, ok := n.moved[target.Chat]
	return to, ok
}

// rememberMove notes where a chat has moved. A group becomes a supergroup with another id when
// its administrator changes some setting, and the files cannot know it.
func (n *notifier) rememberMove(target Target, to int64) chatID {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moved[target.Chat] = numberedChat(to)
	return n.moved[target.Chat]
}

func numberedChat(id int64) chatID { return chatID(strconv.FormatInt(id, 10)) }

// editPatience bounds the change of the first message: the delivery is done, and waits to be
// noted.
const editPatience = 10 * time.Second

// markEnded changes the first message about an incident that has ended, so that people who
// see only that one know.
func (n *notifier) markEnded(ctx context.Context, first firstMessage, m notifiers.Message) error {
	if first.shared || !m.Items[0].Ends() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, editPatience)
	defer cancel()
	return n.change(ctx, changedMessage{
		Chat: numberedChat(first.chat), Message: first.id, content: composeContent(m, false),
	})
}

// A firstMessage names the first message about an incident.
type firstMessage struct {
	chat, id int64
	shared   bool // it is about other incidents too, so it is answered and never changed
}

// in reports whether the message is in a chat. That of a public name is not known before the
// first answer.
func (f firstMessage) in(chat chatID) bool {
	return f.id != 0 && (strings.HasPrefix(string(chat), "@") || chat == numberedChat(f.chat))
}

// String writes the message's name, as firstMessageOf reads it.
func (f firstMessage) String() string {
	if f.shared {
		return fmt.Sprintf("%d:%d+", f.chat, f.id)
	}
	return fmt.Sprintf("%d:%d", f.chat, f.id)
}

// threadForm is a chat's id and that of a message in it. A receipt comes from a file, so it
// is looked at before it is used.
var threadForm = regexp.MustCompile(`^(-?[0-9]{1,16}):([0-9]{1,16})(\+?)$`)

// firstMessageOf returns the message to answer. There is none for a message about several
// incidents, which is no answer to that of the first of them.
func firstMessageOf(m notifiers.Message) firstMessage {
	parts := threadForm.FindStringSubmatch(m.Previous.Thread)
	if len(m.Items) != 1 || parts == nil {
		return firstMessage{}
	}
	// The form is that of numbers which fit.
	chat, _ := strconv.ParseInt(parts[1], 10, 64)
	id, _ := strconv.ParseInt(parts[2], 10, 64)
	return firstMessage{chat: chat, id: id, shared: parts[3] != ""}
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }
