package telegram

import (
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A keyboard is what stands below a message: rows of buttons.
type keyboard struct {
	Rows [][]button `json:"inline_keyboard"`
}

// A button leads to a page, or is told us by Telegram when it is pressed.
type button struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
	Code string `json:"callback_data,omitempty"` // at most 64 bytes
}

// composeKeyboard returns the buttons of a message about one incident; nil: it has none.
func composeKeyboard(m notifiers.Message) *keyboard {
	if len(m.Items) != 1 {
		return nil
	}
	var row []button
	code := m.Items[0].Incident.AcknowledgeCode
	if code != "" && !m.Items[0].Ends() {
		row = append(row, button{Text: "Acknowledge", Code: code})
	}
	for _, fact := range m.Facts(m.Items[0]) {
		b, ok := linkButton(fact)
		switch {
		case !ok, fact.Kind == notifiers.Button && code != "": // one button for one thing
		case fact.Kind == notifiers.Button: // what is to be done comes before what is to be read
			row = slices.Insert(row, 0, b)
		default:
			row = append(row, b)
		}
	}
	if row == nil {
		return nil
	}
	return &keyboard{Rows: [][]button{row}}
}

// linkButton returns the button of a fact that is for one.
func linkButton(fact notifiers.Fact) (button, bool) {
	// Telegram refuses the whole message because of the URL of one button: http is taken, but
	// the link acknowledges, so others on the network must not read it.
	if !isLinkToMore(fact) || !canOpen(fact.Text) || !strings.HasPrefix(fact.Text, "https://") {
		return button{}, false
	}
	return button{Text: fact.Name, URL: fact.Text}, true
}
