package slack

import (
	"cmp"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/imapvigil/imapvigil/notifiers"
)

// acknowledgeAction names our button, for whoever hears that it was pressed.
const acknowledgeAction = "imapvigil_acknowledge"

// acknowledgeButton returns the block with which people acknowledge what a card is about; nil: it is
// not about one open incident.
func acknowledgeButton(m notifiers.Message, card notifiers.Card) api.Block {
	if len(card.Items) != 1 || card.Items[0].Incident.AcknowledgeCode == "" || card.Items[0].Ends() {
		return nil
	}
	// Slack gives an event to any connection of the app, so that another daemon may get it: the
	// value says who has sent the message.
	value := card.Items[0].Incident.AcknowledgeCode + " " + m.Monitor
	return api.NewActionBlock("", api.NewButtonBlockElement(acknowledgeAction, value, api.NewTextBlockObject(api.PlainTextType, "Acknowledge", false, false)))
}

// pressOf returns what a press of our button says; false: it is of another button.
func pressOf(c *api.InteractionCallback) (p notifiers.Press, isOurs bool) {
	if c.Type != api.InteractionTypeBlockActions {
		return p, false
	}
	for _, action := range c.ActionCallback.BlockActions {
		if action.ActionID == acknowledgeAction {
			code, monitor, _ := strings.Cut(action.Value, " ")
			return notifiers.Press{Code: code, By: personOf(c.User), Via: "Slack", Monitor: monitor}, true
		}
	}
	return p, false
}

// personOf returns a person as the journal keeps them: the name for people, and the id, which
// nobody can choose.
func personOf(u api.User) string {
	const most = 24 // of a name, in runes; the id must still find room behind it
	name := []rune(u.Name)
	if len(name) > most {
		name = name[:most]
	}
	if len(name) == 0 {
		return u.ID
	}
	return string(name) + " (" + u.ID + ")"
}

// threadOf returns the channel and the thread of the message whose button was pressed; empty: Slack
// does not say.
func threadOf(c *api.InteractionCallback) (thread string) {
	channel := cmp.Or(c.Container.ChannelID, c.Channel.ID)
	ts := cmp.Or(c.Container.ThreadTs, c.Message.ThreadTimestamp, c.Container.MessageTs, c.Message.Timestamp)
	if place := channel + ":" + ts; threadID.MatchString(place) {
		return place
	}
	return ""
}
