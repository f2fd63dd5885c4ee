package voice

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

const (
	// maxSpoken is in characters: what a voice reads twice within timeLimit, at about 14 a
	// second.
	maxSpoken = 700
	// maxTwiML is what Twilio takes in the parameter Twiml, in characters.
	maxTwiML = 4000
)

// instructions returns what is said, in TwiML.
func instructions(m notifiers.Message, language string) string {
	text := spoken(m)
	// Escapes are longer than what they stand for: "&" takes five characters.
	for most := maxSpoken; ; most = most * 3 / 4 {
		if twiml := sayTwice(fit.Runes.Cut(text, most), language); fit.Runes.Length(twiml) <= maxTwiML {
			return twiml
		}
	}
}

func sayTwice(text, language string) string {
	say := fmt.Sprintf(`<Say language="%s">%s</Say>`, language, escape(text))
	// A person needs a second to bring the phone to the ear.
	return `<Response><Pause length="1"/>` + say + `<Pause/>` + say + `</Response>`
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes all
	return b.String()
}

// spoken returns the message as sentences for the ear.
func spoken(m notifiers.Message) string {
	if m.Own.Text != "" {
		return strings.Join(strings.Fields(notifiers.PlainText(m.Own.Text)), " ")
	}
	greeting := "This is imapvigil"
	if m.Monitor != "" {
		greeting += " on " + m.Monitor
	}
	sentences := []string{greeting}
	switch items := m.Arranged(); {
	case m.IsTest():
		sentences = append(sentences, "This is a test call. Nothing is wrong, and there is nothing to do")
	case len(items) == 1:
		sentences = append(sentences, itemSentences(m, items[0])...)
	default:
		sentences = append(sentences, m.Headline())
	}
	return inWords(notifiers.PlainText(strings.Join(strings.Fields(strings.Join(sentences, ". ")), " ") + "."))
}

// duration is one as messages write it, of which a voice would read the letters.
var duration = regexp.MustCompile(`\b0*(\d+)([dhms])\b`)

var units = map[string]string{"d": "day", "h": "hour", "m": "minute", "s": "second"}

// inWords returns a text with the units of durations as words: "1 hour 5 minutes".
func inWords(text string) string {
	return duration.ReplaceAllStringFunc(text, func(found string) string {
		parts := duration.FindStringSubmatch(found)
		unit := units[parts[2]]
		if parts[1] != "1" {
			unit += "s"
		}
		return parts[1] + " " + unit
	})
}

func itemSentences(m notifiers.Message, item notifiers.Item) []string {
	sentences := []string{item.Headline(m.At)}
	// The others say it in their headline.
	if item.Transition == notifiers.Opened || item.Transition == notifiers.Changed {
		sentences = append(sentences, "It has been so for "+item.Incident.Lasted(m.At))
	}
	if id := item.Incident.ID; id != "" {
		sentences = append(sentences, "Its id ends in "+spelled(id))
	}
	return sentences
}

// spelled returns the last characters of an id, each alone: nobody remembers all 26, and a voice
// would make a word of them.
func spelled(id string) string {
	const last = 6
	runes := []rune(id)
	return strings.Join(strings.Split(string(runes[max(0, len(runes)-last):]), ""), " ")
}
