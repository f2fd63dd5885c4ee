package telegram

import (
	"strings"

	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// An entity says how a part of a text is shown (MessageEntity in the Bot API). Offset and
// length count UTF-16 units.
type entity struct {
	Type   style  `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	URL    string `json:"url,omitempty"` // of a link
}

// A style is the type of an entity.
type style string

const (
	plain style = "" // no entity at all
	bold  style = "bold"
	code  style = "code"      // a command, to be copied by a tap
	quote style = "pre"       // a server's words: nothing in it is a mention or a link
	link  style = "text_link" // leads to the entity's URL
)

// A formatted text is made from its beginning to its end, and never longer than it has room
// for.
type formatted struct {
	text     strings.Builder
	entities []entity
	used     int  // UTF-16 units
	most     int  // as many as there is room for
	cut      bool // something had no room: nothing is added any more
}

// add appends a text in a style, as far as it has room.
func (f *formatted) add(s style, text string) { f.addEntity(entity{Type: s}, text) }

// addLink appends a text that leads to a URL.
func (f *formatted) addLink(text, url string) { f.addEntity(entity{Type: link, URL: url}, text) }

func (f *formatted) addEntity(e entity, text string) {
	if f.cut || text == "" {
		return
	}
	whole := text
	text = fit.UTF16.Cut(whole, f.most-f.used)
	f.cut = text != whole
	e.Offset, e.Length = f.used, fit.UTF16.Length(text)
	f.text.WriteString(text)
	f.used += e.Length
	// An entity of no length is refused, and half of a URL leads nowhere.
	if e.Type == plain || e.Length == 0 || e.Type == link && f.cut {
		return
	}
	f.entities = append(f.entities, e)
}
