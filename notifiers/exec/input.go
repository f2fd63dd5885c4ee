package exec

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// What comes on standard input.
const (
	inputJSON = "json"
	inputText = "text"
)

// severalType is the type of a message about several incidents.
const severalType = "incidents"

// An event is one of several in a message.
type event struct {
	Type     json.RawMessage `json:"type"`
	Incident json.RawMessage `json:"incident"`
}

// text is what stands beside the keys of the webhook's body.
type text struct {
	Subject string `json:"subject"`
	Short   string `json:"short"`
	Body    string `json:"body"`
}

// input returns what the program reads. Only here a server's words may be.
func input(kind string, m notifiers.Message) ([]byte, error) {
	if kind == inputText {
		return []byte(m.Text()), nil
	}
	body, err := webhook.Body(m)
	if err != nil {
		return nil, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(body, &keys); err != nil {
		return nil, fmt.Errorf("reading the webhook's body: %w", err)
	}
	if len(m.Items) > 1 {
		if err := several(keys, m); err != nil {
			return nil, err
		}
	}
	if keys["text"], err = plainJSON(text{m.Subject(), m.Short(), m.Text()}); err != nil {
		return nil, err
	}
	return plainJSON(keys)
}

// several puts a list of events in the place of the one incident.
func several(keys map[string]json.RawMessage, m notifiers.Message) error {
	var events []event
	for _, item := range m.Arranged() {
		one := m
		one.Items = []notifiers.Item{item}
		body, err := webhook.Body(one)
		if err != nil {
			return err
		}
		var e event
		if err := json.Unmarshal(body, &e); err != nil {
			return fmt.Errorf("reading the webhook's body: %w", err)
		}
		events = append(events, e)
	}
	list, err := plainJSON(events)
	keys["type"], keys["incident"], keys["incidents"] = json.RawMessage(`"`+severalType+`"`), json.RawMessage("null"), list
	return err
}

// plainJSON writes JSON in one line, with "<" as it is.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("writing the input: %w", err)
	}
	return b.Bytes(), nil
}
