package telegram

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

const (
	// pollTime is how long Telegram waits for something to say, in seconds; httpdo waits for half
	// a minute.
	pollTime = 25
	// emptyPause is how long an answer without anything in it takes at least. What answers at once
	// is not Telegram, and must not be asked without end.
	emptyPause = time.Second
	// conflictPause is after how long it is tried again when another program asks for the same bot.
	conflictPause = time.Minute
	// maxAnswer is what answerCallbackQuery takes, in characters.
	maxAnswer = 200
	// maxCaller bounds the name of a person, which they choose, so that the number finds room behind it.
	maxCaller = 24
)

// A listener is a notifier whose messages have a button, and which asks Telegram who pressed it.
type listener struct {
	*notifier
	ackers map[int64]bool
	next   int64 // the first update that was not taken yet, for Listen alone; 0: what Telegram has

	aim   sync.Mutex
	chats map[string]bool // where messages go: numbers, and public names in lower case
}

var (
	_ notifiers.Listener = (*listener)(nil)
	_ notifiers.Aimed    = (*listener)(nil)
)

// newListener makes a listener that lets people acknowledge.
func newListener(n *notifier, ackers []string) (*listener, error) {
	l := &listener{notifier: n, ackers: map[int64]bool{}, chats: map[string]bool{}}
	for _, text := range ackers {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return nil, fmt.Errorf("ackers: %q is not the number of a person, like \"110201543\"", text)
		}
		l.ackers[id] = true
	}
	return l, nil
}

// Aim implements [notifiers.Aimed].
func (l *listener) Aim(targets []notifiers.Target) {
	l.aim.Lock()
	defer l.aim.Unlock()
	clear(l.chats)
	for _, to := range targets {
		if target, ok := to.(Target); ok {
			l.chats[strings.ToLower(target.Chat)] = true
		}
	}
}

// Notify sends one message, with a button that acknowledges.
func (l *listener) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return l.notifier.Notify(ctx, to, m) // which says so
	}
	return l.notify(ctx, target, m)
}

// isTarget reports whether messages go to a chat. One that has moved is where it is now.
func (l *listener) isTarget(c chat) bool {
	number := numberedChat(c.ID)
	l.aim.Lock()
	known := l.chats[string(number)] || c.Username != "" && l.chats["@"+strings.ToLower(c.Username)]
	l.aim.Unlock()
	if known {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, to := range l.moved {
		if to == number {
			return true
		}
	}
	return false
}

// An update is what Telegram says that happened to the bot.
type update struct {
	ID    int64  `json:"update_id"`
	Press *press `json:"callback_query"`
}

// A press is that somebody pressed a button of the bot.
type press struct {
	ID   string `json:"id"`
	From struct {
		ID        int64  `json:"id"`
		Username  string `json:"username"`
		FirstName string `json:"first_name"`
	} `json:"from"`
	Message struct {
		Chat chat `json:"chat"`
	} `json:"message"`
	Data string `json:"data"`
}

type chat struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// Listen implements [notifiers.Listener] by asking for updates: Telegram answers when there is one.
// It keeps them for 24 hours, and forgets them when the next ones are asked for.
func (l *listener) Listen(ctx context.Context, acknowledge func(context.Context, notifiers.Press) (string, error)) error {
	for {
		begun := time.Now()
		updates, err := l.poll(ctx)
		if err != nil {
			return classifyPoll(ctx, err)
		}
		for _, u := range updates {
			if u.Press != nil {
				l.answerPress(ctx, u.Press, acknowledge)
			}
			l.next = u.ID + 1
		}
		if rest := emptyPause - time.Since(begun); len(updates) == 0 && rest > 0 {
			select {
			case <-time.After(rest):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// wantedUpdates is what getUpdates takes.
type wantedUpdates struct {
	Offset  int64    `json:"offset,omitzero"`
	Limit   int      `json:"limit"` // one has its whole message in it, and the message that this answers
	Timeout int      `json:"timeout"`
	Kinds   []string `json:"allowed_updates"`
}

// poll asks for updates, and returns none when nothing happened for a while.
func (l *listener) poll(ctx context.Context) ([]update, error) {
	answer, result, err := l.call(ctx, "getUpdates", wantedUpdates{Offset: l.next, Limit: 1, Timeout: pollTime, Kinds: []string{"callback_query"}})
	if err != nil {
		return nil, err
	}
	var updates []update
	if json.Unmarshal(result, &updates) == nil && updates != nil {
		return updates, nil
	}
	// What is too long to be read would come again and again.
	if cut := firstUpdate.FindSubmatch(answer.Body); cut != nil {
		id, err := strconv.ParseInt(string(cut[1]), 10, 64)
		return []update{{ID: id}}, err
	}
	return nil, answer.Unproven("Telegram", "list of updates")
}

// firstUpdate finds the number of the first update in an answer that does not end.
var firstUpdate = regexp.MustCompile(`^\{"ok":true,"result":\[\{"update_id":([0-9]{1,18}),`)

// answerPress acknowledges, and shows whoever pressed what came of it.
func (l *listener) answerPress(ctx context.Context, p *press, acknowledge func(context.Context, notifiers.Press) (string, error)) {
	words, err := l.takePress(ctx, p, acknowledge)
	answer := struct {
		ID    string `json:"callback_query_id"`
		Text  string `json:"text"`
		Alert bool   `json:"show_alert,omitzero"` // a window that has to be closed, for what is not as expected
	}{p.ID, fit.UTF16.Cut(words, maxAnswer), err != nil}
	// An answer that does not arrive is no loss: the journal has what counts. Of an old press
	// Telegram takes none.
	_, _, _ = l.call(ctx, "answerCallbackQuery", answer)
}

var errNotAllowed = errors.New("not allowed")

func (l *listener) takePress(ctx context.Context, p *press, acknowledge func(context.Context, notifiers.Press) (string, error)) (string, error) {
	number := strconv.FormatInt(p.From.ID, 10)
	switch {
	case !l.ackers[p.From.ID]:
		return "Your number " + number + " is not among the ackers of this notifier. Acknowledge with the command in the message, or ask an administrator to add it.", errNotAllowed
	case !l.isTarget(p.Message.Chat):
		return "This notifier sends no messages to this chat any more. Acknowledge with the command in the message.", errNotAllowed
	}
	by := fit.Runes.Cut(cmp.Or(p.From.Username, p.From.FirstName), maxCaller)
	if by = strings.TrimSpace(by + " (" + number + ")"); p.From.Username == "" && p.From.FirstName == "" {
		by = number
	}
	return acknowledge(ctx, notifiers.Press{Code: p.Data, By: by, Via: "Telegram"})
}

// classifyPoll says why Telegram cannot be asked, and what helps.
func classifyPoll(ctx context.Context, err error) error {
	said, refused := errors.AsType[*refusal](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !refused || said.code != http.StatusConflict:
		return fmt.Errorf("asking Telegram who pressed a button: %w", err)
	case strings.Contains(said.words, "webhook"):
		return notifiers.Permanent(fmt.Errorf("asking Telegram who pressed a button: a webhook is set for this bot, which gets all of it: delete it (deleteWebhook), or use a bot of its own: %s", said.Error()))
	}
	return notifiers.RetryAfter(fmt.Errorf("asking Telegram who pressed a button: another program asks for the same bot: use a bot of its own for each: %s", said.Error()), conflictPause)
}
