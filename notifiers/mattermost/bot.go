package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// A bot posts by the API.
type bot struct {
	client *httpdo.Client
	posts  string // the URL of the collection of posts
	token  string
}

// A newPost is what POST /posts takes.
type newPost struct {
	Channel string `json:"channel_id"`
	Message string `json:"message"`
	Root    string `json:"root_id,omitempty"`
	// Pending makes Mattermost answer with the first post where the same comes again within 30
	// seconds (pendingPostIDsCacheTTL of its server).
	Pending string `json:"pending_post_id"`
	Props   props  `json:"props"`
}

// A changedPost is what PUT /posts/{id}/patch takes.
type changedPost struct {
	Message string `json:"message"`
	Props   props  `json:"props"`
}

type props struct {
	Attachments []attachment `json:"attachments"`
}

// Notify posts one message, as a reply to the incident's first one, and changes that one when
// the incident has ended.
func (b *bot) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("mattermost cannot reach a %T", to))
	}
	root, c := rootOf(m), composeContent(m, mentionOf(target, m))
	post := newPost{
		Channel: target.Channel, Message: c.Text, Root: root,
		Pending: "imapvigil:" + m.Key, Props: props{c.Attachments},
	}
	made, err := b.post(ctx, post)
	if refused, said := errors.AsType[*refusal](err); said && root != "" && strings.Contains(refused.id, "root_id") {
		// The first post was deleted.
		root, post.Root = "", ""
		made, err = b.post(ctx, post)
	}
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Mattermost: %w", err)
	}
	words := "post " + made
	if err := b.markEnded(ctx, m); err != nil {
		words += "; the first post was not changed: " + err.Error()
	}
	if root == "" {
		root = made
	}
	return notifiers.Receipt{Answer: b.client.Sanitise(words), Thread: root}, nil
}

// rootOf returns the post to answer: that which began what is told of the incident. There is
// none for a message about several incidents, which would be hidden in the thread of the first.
// A receipt comes from a file, so it is looked at before it is used.
func rootOf(m notifiers.Message) string {
	if len(m.Items) != 1 || !id.MatchString(m.Previous.Thread) {
		return ""
	}
	return m.Previous.Thread
}

func mentionOf(target Target, m notifiers.Message) string {
	if !m.MayMention() {
		return ""
	}
	return target.Mention
}

// post makes one request, and returns the id of the new post.
func (b *bot) post(ctx context.Context, post newPost) (string, error) {
	answer, err := b.client.JSON(ctx, http.MethodPost, b.posts, b.header(), post)
	if err != nil {
		return "", judge(answer, err)
	}
	var made struct{ ID string }
	if !answer.Decode(&made) || !id.MatchString(made.ID) {
		return "", answer.Unproven("Mattermost", "id of a post")
	}
	return made.ID, nil
}

func (b *bot) header() http.Header { return http.Header{"Authorization": {"Bearer " + b.token}} }

// markEnded changes the first post about each incident that has ended, so that people who see
// only that one know. It gives up at the first that Mattermost does not change.
func (b *bot) markEnded(ctx context.Context, m notifiers.Message) error {
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	for _, ending := range m.Endings() {
		first := ending.Previous.Thread
		if !id.MatchString(first) {
			continue
		}
		c := composeContent(ending, "")
		answer, err := b.client.JSON(ctx, http.MethodPut, b.posts+"/"+first+"/patch", b.header(), changedPost{c.Text, props{c.Attachments}})
		if err != nil {
			return judge(answer, err)
		}
	}
	return nil
}

// A refusal is what Mattermost says when it does not do what it was asked for.
type refusal struct {
	error
	id string // "api.post.create_post.root_id.app_error"; the message beside it is translated
}

func (r *refusal) Unwrap() error { return r.error }

// judge returns the error of a request in Mattermost's words. Which errors heal is for the
// status to say.
func judge(answer httpdo.Answer, err error) error {
	var said struct{ ID, Message string }
	if answer.Status == 0 || !answer.Decode(&said) || said.ID == "" {
		return waitForReset(answer, err)
	}
	words := said.ID + ": " + said.Message
	if notifiers.IsPermanent(err) {
		err = answer.Refusal(words)
	} else {
		err = answer.Later(words, notifiers.Wait(err))
	}
	return &refusal{waitForReset(answer, err), said.ID}
}

// waitForReset raises the pause to that of the header of a server with rate limits: seconds
// until it takes requests again.
func waitForReset(answer httpdo.Answer, err error) error {
	if answer.Status != http.StatusTooManyRequests {
		return err
	}
	seconds, bad := strconv.ParseFloat(answer.Header.Get("X-Ratelimit-Reset"), 64)
	if bad != nil {
		return err
	}
	return httpdo.AtLeast(err, httpdo.Seconds(seconds))
}

// Close closes idle connections.
func (b *bot) Close() error { return b.client.Close() }
