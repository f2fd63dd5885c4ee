// Package discord is the channel that posts to Discord by the webhook of a channel.
//
// It owns what a message looks like in Discord: a line that phones show, and below it a
// coloured embed for each incident. In a forum each incident is a post of its own; elsewhere
// webhooks cannot answer a message, so the first message about an incident only changes its
// words and colour when the incident ends. No text can be markup, and nobody is mentioned but
// the target's own mention: each request says who may be.
//
// A caller may rely on this: the receipt holds the message's id, which Discord gives only for
// a message that it keeps. Discord drops no doubles of webhooks, and has no place for the
// idempotency key.
package discord

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind discord.
type Settings struct {
	URL opaque.Secret // "https://discord.com/api/webhooks/ID/TOKEN"; https, or http to loopback
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Receiver implements [notifiers.Bound]: each webhook posts to its own channel.
func (s Settings) Receiver() opaque.Secret { return s.URL }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	if s.URL.IsZero() {
		return nil, errors.New("url is missing: use the URL of a webhook of the channel")
	}
	u, err := httpdo.ParseURL(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	// These endpoints take what other services send, and answer without an id.
	if strings.HasSuffix(u.Path, "/slack") || strings.HasSuffix(u.Path, "/github") {
		return nil, errors.New("url: it is for messages of another service: remove /slack or /github at its end")
	}
	client, err := httpdo.New("", httpdo.Secrets(u)...)
	if err != nil {
		return nil, err
	}
	return &notifier{http: client, url: u}, nil
}

// endpoint returns the URL of the webhook, or of one of its messages, in a thread or in the
// channel itself.
func endpoint(webhook *url.URL, message, thread string) string {
	u, query := *webhook, webhook.Query()
	if message == "" {
		// Without it Discord answers before it has the message, and says nothing of errors.
		query.Set("wait", "true")
	} else {
		u = *u.JoinPath("messages", message)
	}
	if thread != "" {
		query.Set("thread_id", thread)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// A Target says where in the webhook's channel to post. [NewTarget] makes one.
type Target struct {
	Thread string `json:"thread,omitempty"` // an id; empty: the channel itself
	Forum  bool   `json:"forum,omitempty"`
	// Mention is "@everyone", "@here", "<@&ID>" for a role, "<@ID>" for a user, or an ID
	// alone, which may be either.
	Mention string `json:"mention,omitempty"`
}

var (
	idForm      = regexp.MustCompile(`^[0-9]{1,20}$`)
	mentionForm = regexp.MustCompile(`^(?:<@(&?)([0-9]{1,20})>|([0-9]{1,20}))$`)
)

// NewTarget checks where to post, and a mention, which may be empty.
func NewTarget(thread string, forum bool, mention string) (Target, error) {
	switch {
	case thread != "" && !idForm.MatchString(thread):
		return Target{}, fmt.Errorf("thread %q is not the id of a thread, which is a number", thread)
	case thread != "" && forum:
		return Target{}, errors.New("forum: with thread all messages go into one post: write only one of them")
	}
	if _, err := callFor(mention); err != nil {
		return Target{}, err
	}
	return Target{Thread: thread, Forum: forum, Mention: mention}, nil
}

// String names the thread and the mention, since one role may tell the same channel twice: at
// once, and later louder.
func (t Target) String() string {
	var parts []string
	if t.Thread != "" {
		parts = append(parts, "thread "+t.Thread)
	}
	if t.Forum {
		parts = append(parts, "forum")
	}
	if t.Mention != "" {
		parts = append(parts, t.Mention)
	}
	return strings.Join(parts, " ")
}

// A call is a mention as Discord takes it: the words, and who may be called by words.
type call struct {
	text    string
	allowed allowedMentions
}

// allowedMentions say who is called by the content of a message. Without them Discord calls
// whoever is named in it.
type allowedMentions struct {
	Parse []string `json:"parse"` // "everyone": by @everyone and @here
	Roles []string `json:"roles,omitempty"`
	Users []string `json:"users,omitempty"`
}

func nobody() allowedMentions { return allowedMentions{Parse: []string{}} }

// callFor returns what calls whom a mention names; an empty mention names nobody.
func callFor(mention string) (call, error) {
	switch mention {
	case "":
		return call{allowed: nobody()}, nil
	case "@everyone", "@here":
		return call{text: mention + " ", allowed: allowedMentions{Parse: []string{"everyone"}}}, nil
	}
	parts := mentionForm.FindStringSubmatch(mention)
	if parts == nil {
		return call{}, fmt.Errorf(`mention %q is none of "@everyone", "@here", a role as "<@&ID>", a user as "<@ID>", or an ID`, mention)
	}
	made := call{allowed: nobody()}
	id, kind, bare := parts[2]+parts[3], parts[1], parts[3] != ""
	if kind == "&" || bare {
		made.text, made.allowed.Roles = "<@&"+id+"> ", []string{id}
	}
	// An id says not whose it is, and no two things in Discord share one.
	if kind == "" || bare {
		made.text, made.allowed.Users = made.text+"<@"+id+"> ", []string{id}
	}
	return made, nil
}
