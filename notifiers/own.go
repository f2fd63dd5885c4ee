package notifiers

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// Words are what the templates of a notifier block make of a message, in the place of the
// built-in words. They are plain text, which each channel escapes as it does any other.
type Words struct {
	Subject string // one line; empty: the built-in one
	Text    string // lines, without the last line end; empty: the built-in one
	// Note says why built-in words stand where a template should have made some.
	Note string
}

// maxOwnSubject is in characters. Header lines of mails are folded; what shows titles cuts
// them.
const maxOwnSubject = 250

// ownSubject returns the words of the notifier's own subject; empty: it has none.
func (m Message) ownSubject() string {
	return cutWithEllipsis(strings.Join(strings.Fields(sanitisedLine(m.Own.Subject)), " "), maxOwnSubject)
}

// ownText returns the whole text of the notifier's own words; empty: it has none.
func (m Message) ownText() string {
	if m.Own.Text == "" {
		return ""
	}
	return PlainText(m.Own.Text) + "\n" + m.noteOfWords()
}

// PlainText returns a text of several lines without control characters, without spaces at
// the ends of lines, and without empty lines around it.
func PlainText(text string) string {
	lines := strings.Split(text, "\n")
	for i, raw := range lines {
		indent := raw[:len(raw)-len(strings.TrimLeft(raw, " "))]
		if lines[i] = opaque.Bounded(raw, maxPlain); lines[i] != "" {
			lines[i] = indent + lines[i]
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// maxPlain is more than a line ever has, in bytes.
const maxPlain = 1 << 20

// noteOfWords returns a last paragraph that says that a template failed; empty: none did.
func (m Message) noteOfWords() string {
	if m.Own.Note == "" {
		return ""
	}
	return "\n" + m.Own.Note + "\n"
}

// ownShort returns the own text for a phone, in two SMS at most.
func (m Message) ownShort() string {
	text := strings.TrimSpace(PlainText(m.Own.Text))
	if IsGSM(text) {
		return cutToSeptets(text, maxTwo)
	}
	if unitsOfUTF16(text) <= maxTwoWide {
		return text
	}
	used := 0
	for i, r := range text {
		if used += utf16.RuneLen(r); used > maxTwoWide-1 {
			return strings.TrimRight(text[:i], " \n") + "…"
		}
	}
	return text
}

// ownCard returns the own text as a card. The button that acknowledges stays, since it is no
// words, unless the text has its address.
func (m Message) ownCard() Card {
	card := Card{Tone: Neutral, Title: m.Headline(), Lines: strings.Split(strings.TrimSuffix(m.ownText(), "\n"), "\n"), Items: m.Arranged()}
	if len(card.Items) > 0 {
		card.Tone = card.Items[0].Tone()
	}
	if len(card.Items) == 1 {
		card.Facts = slices.DeleteFunc(m.Facts(card.Items[0]), func(f Fact) bool {
			return f.Kind != Button || strings.Contains(m.Own.Text, f.Text)
		})
	}
	return card
}

// An SMS with a character beyond GSM 03.38 is sent in UCS-2, of which 70 units fit, or 67
// in each segment of several; one less, since a pair must not be torn apart.
const (
	maxWide    = 70
	maxTwoWide = 2 * (67 - 1)
)

// IsGSM reports whether a text can be sent in the GSM alphabet as it is.
func IsGSM(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !strings.ContainsRune(gsmBasic+gsmExtended, r) })
}

// unitsOfUTF16 returns the length of a text in UTF-16 code units, in which some services
// count.
func unitsOfUTF16(text string) (n int) {
	for _, r := range text {
		n += max(1, utf16.RuneLen(r)) // what is not valid becomes U+FFFD
	}
	return n
}

// A Limit is how long a text may be.
type Limit struct {
	Most int // 0: there is no limit
	Unit Unit
}

// A Unit is what a limit counts.
type Unit string

// The units, as people call them.
const (
	Bytes Unit = "bytes"
	Runes Unit = "characters"
	UTF16 Unit = "UTF-16 units"
	InSMS Unit = "SMS" // the parts in which a text message is sent
)

// Length returns how long a text is in the unit.
func (u Unit) Length(text string) int {
	switch u {
	case Runes:
		return utf8.RuneCountInString(text)
	case UTF16:
		return unitsOfUTF16(text)
	case InSMS:
		return partsOfSMS(text)
	case Bytes:
	}
	return len(text)
}

// partsOfSMS returns in how many parts a text is sent.
func partsOfSMS(text string) int {
	length, one, each := unitsOfUTF16(text), maxWide, maxTwoWide/2
	if IsGSM(text) {
		length, one, each = countSeptets(text), maxShort, maxTwo/2
	}
	if length <= one {
		return 1
	}
	return (length + each - 1) / each
}

// ExactTime writes a moment as messages do, on the clocks of those who read m.
func (m Message) ExactTime(t time.Time) string { return m.exactTime(t) }

// Lasted says how long the failure lasted, or has lasted at the given time: "1h 05m".
func (i Incident) Lasted(at time.Time) string { return i.lasted(at) }

// Began returns when the failure began that people are told of: an incident that had ended
// and began anew counts from then.
func (i Incident) Began() time.Time { return i.currentEpisode().StartedAt }

// Endpoint returns host, port, encryption and address in one line; empty for what has no
// host.
func (i Incident) Endpoint() string { return i.endpointText() }

// Reason returns the cause in plain words.
func (i Incident) Reason() string {
	problem, _ := i.problem()
	return cmp.Or(problem, sanitisedLine(i.CauseText), i.briefCause())
}
