package webhook

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

// parseBody reads the template of the attribute body; nil: there is none.
func parseBody(source string) (*wording.Template, error) {
	if source == "" {
		return nil, nil
	}
	t, err := wording.Parse(wording.Body, source)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	return t, nil
}

// compose returns the body of a message, the same on every attempt. Where the template fails,
// which is the error failed, it is that of [Body]: a receiver that shows it, or refuses it, is
// better than an event that nobody gets.
func (n *notifier) compose(m notifiers.Message) (body []byte, failed, err error) {
	if n.template != nil {
		text, err := n.template.Render(wording.Of(m))
		switch {
		case err != nil:
			failed = err
		case !json.Valid([]byte(text)):
			failed = errors.New("what it made is not JSON")
		default:
			return []byte(text), nil, nil
		}
	}
	body, err = Body(m)
	return body, failed, err
}
