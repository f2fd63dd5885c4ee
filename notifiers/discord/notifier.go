package discord

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	http *httpdo.Client
	url  *url.URL
	pace pace
}

// Notify posts one message, and changes the first ones about incidents that have ended.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("discord cannot reach a %T", to))
	}
	who, err := callFor(target.Mention)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	if !m.MayMention() {
		who, _ = callFor("") // nobody can always be named
	}
	if wait := n.pace.wait(time.Now()); wait > 0 {
		return notifiers.Receipt{}, notifiers.Paced(wait)
	}
	posted, notes, err := n.deliver(ctx, target, m, composePost(m, who))
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Discord: %w", err)
	}
	notes = append([]string{"message " + posted.id}, notes...)
	if err := n.markEnded(ctx, target, m); err != nil {
		notes = append(notes, "the first message was not changed: "+err.Error())
	}
	return notifiers.Receipt{Answer: n.http.Sanitise(strings.Join(notes, "; ")), Thread: posted.String()}, nil
}

// deliver posts a message, and posts it once more without what Discord refuses of where it is
// to stand. It returns what should be changed in the files.
func (n *notifier) deliver(ctx context.Context, target Target, m notifiers.Message, p post) (posted messageID, notes []string, err error) {
	thread := target.Thread
	if target.Forum {
		p.ThreadName = fit.UTF16.Cut(m.Headline(), maxThreadName)
		if first := firstMessageOf(m); first.channel != "" {
			thread, p.ThreadName = first.channel, ""
		}
	}
	// Each refusal takes something away, so this ends.
	for {
		posted, err = n.post(ctx, thread, p)
		said, refused := errors.AsType[*refusal](err)
		switch {
		case !refused:
			return posted, notes, err
		case thread != "" && said.code == unknownChannel && target.Forum:
			thread, p.ThreadName = "", fit.UTF16.Cut(m.Headline(), maxThreadName)
		case thread != "" && said.code == unknownChannel:
			notes, thread = append(notes, "not in thread "+thread+", which does not exist"), ""
		case p.ThreadName != "" && said.code == noForum:
			notes, p.ThreadName = append(notes, "the channel is no forum: remove forum"), ""
		default:
			return messageID{}, nil, err
		}
	}
}

// markEnded changes the first message about each incident that has ended. It gives up at the
// first that Discord does not change.
func (n *notifier) markEnded(ctx context.Context, target Target, m notifiers.Message) error {
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	for _, ending := range m.Endings() {
		first := parseMessageID(ending.Previous.Thread)
		if first.id == "" {
			continue
		}
		thread := target.Thread
		if target.Forum {
			thread = first.channel
		}
		if err := n.change(ctx, thread, first.id, composePost(ending, call{allowed: nobody()})); err != nil {
			return err
		}
	}
	return nil
}

// A messageID names a message; the zero messageID names none.
type messageID struct{ channel, id string }

// String writes the name as parseMessageID reads it.
func (i messageID) String() string { return i.channel + ":" + i.id }

// messageIDForm is the id of a channel, or of a post in a forum, and that of a message in it. A
// receipt comes from a file, so it is looked at before it goes into a URL.
var messageIDForm = regexp.MustCompile(`^([0-9]{1,20}):([0-9]{1,20})$`)

func parseMessageID(thread string) messageID {
	parts := messageIDForm.FindStringSubmatch(thread)
	if parts == nil {
		return messageID{}
	}
	return messageID{channel: parts[1], id: parts[2]}
}

// firstMessageOf returns the message beside which to post. There is none for a message about
// several incidents, which would be hidden in the post of the first of them.
func firstMessageOf(m notifiers.Message) messageID {
	if len(m.Items) != 1 {
		return messageID{}
	}
	return parseMessageID(m.Previous.Thread)
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }
