package ntfy

import (
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// What a server takes, in bytes. A longer text silently becomes an attachment, which nobody
// reads at night.
const (
	maxText  = 4000 // of 4,096
	maxTitle = 250
)

// A message is the body of a request (docs.ntfy.sh/publish, "Publish as JSON"). Headers are no
// place for it: they are not UTF-8 everywhere, and a line end in a label would be a header.
type message struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Text     string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags,omitempty"`
	Click    string   `json:"click,omitempty"`
	Actions  []action `json:"actions,omitempty"`
	Sequence string   `json:"sequence_id,omitempty"`
}

// An action is a button below a message.
type action struct {
	Action string `json:"action"` // "view", or "http": a request of the phone's own
	Label  string `json:"label"`
	URL    string `json:"url"`
	Method string `json:"method,omitempty"`
	Clear  bool   `json:"clear,omitempty"` // the message goes away when it is done
}

const lowest, highest = 1, 5

// priorities are the defaults: 5 rings through a phone's silence, 2 makes no sound.
var priorities = notifiers.PriorityMap{
	"escalated": 5, "down": 5, "degraded": 4, "changed": 3, "acknowledged": 2, "closed": 2, "test": 2,
}

// tags are emoji in front of the title.
var tags = map[notifiers.Tone][]string{
	notifiers.Down: {"rotating_light"}, notifiers.Degraded: {"warning"}, notifiers.Recovered: {"white_check_mark"},
}

// compose writes a message for a topic. A target comes from a file, so it is looked at again.
func compose(to Target, m notifiers.Message) (message, error) {
	if _, err := NewTarget(to.Topic, to.Priority); err != nil {
		return message{}, err
	}
	loudness, err := priorities.With(to.Priority, lowest, highest)
	if err != nil {
		return message{}, err
	}
	made := message{
		Topic: to.Topic, Title: fit.Bytes.Cut(m.Headline(), maxTitle), Priority: loudness.Of(m),
		Sequence: sequence(m),
	}
	if cards := m.Cards(); len(cards) > 0 {
		made.Tags = tags[cards[0].Tone]
	}
	text := m.PhoneText(func(text string) bool { return len(text) <= maxText })
	if made.Title != m.Headline() { // all of it has to be somewhere
		text = m.PhoneText(func(text string) bool { return len(text)+len(m.Headline())+2 <= maxText })
		text = m.Headline() + "\n\n" + text
	}
	made.Text = fit.Bytes.Cut(text, maxText)
	if len(m.Items) == 1 {
		made.addButtons(m)
	}
	return made, nil
}

// addButtons adds what can be done about one incident.
func (made *message) addButtons(m notifiers.Message) {
	if page := m.Items[0].Incident.URL; isWeb(page) {
		made.Click = page
		made.Actions = append(made.Actions, action{Action: "view", Label: "Open", URL: page})
	}
	for _, fact := range m.Facts(m.Items[0]) {
		if fact.Kind == notifiers.Button && isWeb(fact.Text) {
			made.Actions = append(made.Actions, action{Action: "http", Label: fact.Name, URL: fact.Text, Method: "POST", Clear: true})
		}
	}
}

func isWeb(url string) bool {
	return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
}

// sequence returns the name under which a message can be replaced: the first one about an
// incident gets it, and the end has it again. What comes between is a message of its own,
// since one that replaces another makes no sound.
func sequence(m notifiers.Message) string {
	if len(m.Items) != 1 || !topicForm.MatchString(m.Items[0].Incident.ID) {
		return ""
	}
	item := m.Items[0]
	switch {
	case !item.Ends() && item.Thread.First.Thread == "":
		return item.Incident.ID
	case item.Ends() && item.Thread.Alone && item.Thread.First.Thread == item.Incident.ID:
		return item.Incident.ID
	}
	return ""
}
