package cluster_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A transcript gathers what happens: "=" is a role of a node, "." is written into a journal, ">" is a
// message that arrived. Within one moment the order is that of the words.
type transcript struct {
	text strings.Builder

	mu   sync.Mutex
	news []entry
	told map[string]bool // keys of messages that arrived
}

type entry struct {
	at   time.Time
	mark string
	text string
}

func (t *transcript) note(mark, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.news = append(t.news, entry{time.Now(), mark, text})
}

func (t *transcript) flush(s *stage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.news, func(a, b entry) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(order[a.mark], order[b.mark]), cmp.Compare(a.text, b.text))
	})
	for _, e := range t.news {
		fmt.Fprintf(&t.text, "    %s %s %s\n", s.at(e.at), e.mark, e.text)
	}
	t.news = nil
}

var order = map[string]int{"#": 0, "=": 1, ".": 2, ">": 3}

// event shows what a node has journaled.
func (s *stage) event(node config.NodeID, which string, e incident.Event) {
	text := string(node)
	if which != "" {
		text += " " + which
	}
	text += ": " + string(e.Check)
	if e.Condition != config.ConditionService {
		text += " " + string(e.Condition)
	}
	text += " " + string(e.Kind)
	if e.By != "" {
		text += " by " + e.By
	}
	if e.ClosedAs != "" {
		text += " as " + string(e.ClosedAs)
	}
	if !e.Since.IsZero() {
		text += " since " + s.at(e.Since)
	}
	if f := e.Finding; f != nil {
		text += ", " + string(f.Cause)
		if f.From != "" {
			text += ", " + f.From
		}
		if f.Hint != "" {
			text += ": " + f.Hint
		}
	}
	s.out.note(".", text)
}

// message shows what arrives.
func (s *stage) message(node config.NodeID, notifier string, m notifiers.Message) {
	text := fmt.Sprintf("%s to %s: %s", node, notifier, strings.TrimPrefix(m.Subject(), "[imapvigil] "))
	if len(m.Items) == 1 {
		text = strings.TrimSuffix(text, " ["+m.Items[0].Incident.ID+"]")
	}
	s.out.mu.Lock()
	if s.out.told == nil {
		s.out.told = map[string]bool{}
	}
	if s.out.told[m.Key] {
		text += " (again, with the same key)"
	}
	s.out.told[m.Key] = true
	s.out.mu.Unlock()
	s.out.note(">", text)
}

// logged shows what a node says of its role.
func (s *stage) logged(node config.NodeID, e zapcore.Entry, fields []zapcore.Field) {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
	}
	switch e.Message {
	case "the node has another role":
		s.out.note("=", fmt.Sprintf("%s is %s", node, values.Fields["is"]))
	default:
		if e.Level >= zapcore.WarnLevel {
			s.out.note("=", fmt.Sprintf("%s logs: %s: %v", node, e.Message, values.Fields["error"]))
		}
	}
}
