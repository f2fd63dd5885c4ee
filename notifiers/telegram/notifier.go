package telegram

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	return n.notify(ctx, target, withoutCodes(m)) // nobody listens, so a button would do nothing
}

// withoutCodes returns a message that has no button which acknowledges.
func withoutCodes(m notifiers.Message) notifiers.Message {
	m.Items = slices.Clone(m.Items)
	for i := range m.Items {
		m.Items[i].Incident.AcknowledgeCode = ""
	}
	return m
}

func (n *notifier) notify(ctx context.Context, target Target, m notifiers.Message) (notifiers.Receipt, error) {
	first := firstMessageOf(m)
	d, err := n.deliver(ctx, target, first, m)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("writing to Telegram: %w", err)
	}
	sent := messageID{chat: d.sent.Chat.ID, id: d.sent.ID}
	notes := append([]string{fmt.Sprintf("message %d in %d", sent.id, sent.chat)}, d.notes...)
	if err := n.markEnded(ctx, sent.chat, m); err != nil {
		notes = append(notes, "the first message was not changed: "+err.Error())
	}
	if first.chat != sent.chat { // there is none, or the group has moved away from it
		first = sent
	}
	return notifiers.Receipt{Answer: n.http.Sanitise(strings.Join(notes, "; ")), Thread: first.String()}, nil
}

// compose makes what sendMessage takes.
func (n *notifier) compose(target Target, first messageID, m notifiers.Message) newMessage {
	made := newMessage{
		Chat: n.chatOf(target), Topic: target.Topic,
		Quiet:   target.Silent || m.IsQuiet(),
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
func (n *notifier) deliver(ctx context.Context, target Target, first messageID, m notifiers.Message) (delivery, error) {
	var d delivery
	made := n.compose(target, first, m)
	// Each refusal takes something away, so this ends.
	for moved := false; ; {
		sent, err := n.send(ctx, made)
		said, refused := errors.AsType[*refusal](err)
		switch {
		case !refused:
			if to, ok := n.movedTo(target); ok {
				d.notes = append(d.notes, fmt.Sprintf("the group moved: write chat = %q instead of %q", to, target.Chat))
			}
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

// markEnded changes the first message about each incident that has ended. It gives up at the
// first that Telegram does not change.
func (n *notifier) markEnded(ctx context.Context, chat int64, m notifiers.Message) error {
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	for _, ending := range m.Endings() {
		first := parseMessageID(ending.Previous.Thread)
		if first.chat != chat {
			continue
		}
		err := n.change(ctx, changedMessage{
			Chat: numberedChat(chat), Message: first.id, content: composeContent(ending, false),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A messageID names a message; the zero messageID names none.
type messageID struct{ chat, id int64 }

// in reports whether the message is in a chat. Which one a public name means is not known before
// the first answer.
func (i messageID) in(chat chatID) bool {
	return i.id != 0 && (strings.HasPrefix(string(chat), "@") || chat == numberedChat(i.chat))
}

// String writes the name as parseMessageID reads it.
func (i messageID) String() string { return fmt.Sprintf("%d:%d", i.chat, i.id) }

// messageIDForm is a chat's id and that of a message in it. A receipt comes from a file, so it is
// looked at before it is used.
var messageIDForm = regexp.MustCompile(`^(-?[0-9]{1,16}):([0-9]{1,16})$`)

func parseMessageID(thread string) messageID {
	parts := messageIDForm.FindStringSubmatch(thread)
	if parts == nil {
		return messageID{}
	}
	// The form is that of numbers which fit.
	chat, _ := strconv.ParseInt(parts[1], 10, 64)
	id, _ := strconv.ParseInt(parts[2], 10, 64)
	return messageID{chat: chat, id: id}
}

// firstMessageOf returns the message to answer. There is none for a message about several
// incidents, which is no answer to that of the first of them.
func firstMessageOf(m notifiers.Message) messageID {
	if len(m.Items) != 1 {
		return messageID{}
	}
	return parseMessageID(m.Previous.Thread)
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }
