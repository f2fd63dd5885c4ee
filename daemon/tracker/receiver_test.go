package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A receiver is how a notifier behaves:
//
//	answers          well, at once
//	refuses          the connection, until told otherwise
//	rejects          every message for good
//	busy 30s         asks to come again so much later
//	hangs            never answers
//	takes 20s        for a good answer
//	loses            takes the message, and the answer is lost
type receiver struct {
	id    config.NotifierID
	mu    sync.Mutex
	words []string
	pause time.Duration
	keys  map[string]bool // seen before
}

func (r *receiver) set(t *testing.T, words []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words, r.pause = words, 0
	if len(words) == 2 {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		r.pause = d
	}
}

func (r *receiver) how() (word string, pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.words) == 0 {
		return "answers", 0
	}
	return r.words[0], r.pause
}

// A line is a receiver as one process reaches it.
type line struct {
	process  *process
	receiver *receiver
}

func (l *line) Close() error { return nil }

func (l *line) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	word, pause := l.receiver.how()
	if word == "takes" {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return notifiers.Receipt{}, ctx.Err()
		}
	}
	if l.process.journal.dead.Load() {
		return notifiers.Receipt{}, errors.New("killed")
	}
	text := l.text(to, m)
	switch word {
	case "answers", "takes":
		l.show(arrived, text, m)
		return notifiers.Receipt{Thread: m.Key}, nil
	case "loses":
		l.show(arrived, text+" (the answer is lost)", m)
		return notifiers.Receipt{}, errors.New("connection reset")
	case "refuses":
		return l.fail(text, errors.New("connection refused"))
	case "rejects":
		return l.fail(text, notifiers.Permanent(errors.New("no such user")))
	case "busy":
		return l.fail(text, notifiers.RetryAfter(fmt.Errorf("come again in %s", pause), pause))
	case "hangs":
		<-ctx.Done()
		return l.fail(text, ctx.Err())
	}
	return l.fail(text, fmt.Errorf("what is %q?", word))
}

// show marks what arrives for a second time.
func (l *line) show(what class, text string, m notifiers.Message) {
	l.receiver.mu.Lock()
	again := l.receiver.keys[m.Key]
	if l.receiver.keys == nil {
		l.receiver.keys = map[string]bool{}
	}
	l.receiver.keys[m.Key] = true
	l.receiver.mu.Unlock()
	if again {
		text += " (again, with the same key)"
	}
	l.process.timeline.out.note(what, text)
}

func (l *line) fail(text string, err error) (notifiers.Receipt, error) {
	if !l.process.journal.dead.Load() {
		l.process.timeline.out.note(failed, fmt.Sprintf("%s: %s", text, err))
	}
	return notifiers.Receipt{}, err
}

// text is a message in one line: to whom, and what it says in its subject.
func (l *line) text(to notifiers.Target, m notifiers.Message) string {
	text := strings.TrimPrefix(m.Subject(), "[imapvigil] ")
	if len(m.Items) == 1 { // which is the same in each of them
		text = strings.TrimSuffix(text, " ["+m.Items[0].Incident.ID+"]")
	}
	for _, item := range m.Items {
		if len(item.Incident.Affected) > 0 {
			text += fmt.Sprintf(" (affects %s)", strings.Join(item.Incident.Affected, ", "))
		}
	}
	way := fmt.Sprintf("%s %s", m.RoleLabel, l.receiver.id)
	if name := to.String(); name != "" {
		way += " " + name
	}
	return way + ": " + text
}
