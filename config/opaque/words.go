package opaque

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxWords is the most that is kept of a server's text, in bytes.
const MaxWords = 512

// Words are what a server said: valid UTF-8 without control, format or bidi
// characters, at most [MaxWords] bytes. They are data to be quoted, never a
// message of our own.
type Words struct {
	text string
}

// Sanitise makes a server's text safe to show. Line ends and tabs become
// spaces; other characters that cannot be seen, or that would steer a terminal
// or reorder a line, become "\x1b" and the like; what is too long is cut, with
// an ellipsis as the sign of it.
func Sanitise(text string) Words { return Words{Bounded(text, MaxWords)} }

// Bounded sanitises, as [Sanitise] does, a text that is no server's (the reason of an
// acknowledgement). The result has no more than most bytes of UTF-8, the ellipsis
// included.
func Bounded(text string, most int) string {
	text = strings.TrimSpace(text)
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !appendSafe(&b, text[i:i+size], r, most) {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		i += size
	}
	return strings.TrimSpace(b.String())
}

// String returns the sanitised text.
func (w Words) String() string { return w.text }

// IsZero reports whether the server said nothing.
func (w Words) IsZero() bool { return w.text == "" }

// MarshalText writes the sanitised text.
func (w Words) MarshalText() ([]byte, error) { return []byte(w.text), nil }

// UnmarshalText reads Words back from the journal, and sanitises them again:
// a file can be edited.
func (w *Words) UnmarshalText(text []byte) error {
	*w = Sanitise(string(text))
	return nil
}

// appendSafe adds one rune, and reports false when there is no room for it and
// an ellipsis in most bytes.
func appendSafe(b *strings.Builder, raw string, r rune, most int) bool {
	safe := raw
	switch {
	case r == utf8.RuneError && len(raw) == 1: // no UTF-8; U+FFFD itself has three bytes
		safe = escapeByte(raw[0])
	case r == '\r', r == '\n', r == '\t':
		safe = " " // a line of a log or a message must not end because a server wants it to
	case !unicode.IsPrint(r): // control, format and bidi characters; of spaces all but U+0020
		safe = escapeRune(r)
	}
	if b.Len()+len(safe) > most-len("…") { // the ellipsis takes three bytes in UTF-8
		return false
	}
	b.WriteString(safe)
	return true
}

func escapeByte(c byte) string {
	const hex = "0123456789abcdef"
	return `\x` + string([]byte{hex[c>>4], hex[c&15]})
}

func escapeRune(r rune) string {
	if r < utf8.RuneSelf {
		return escapeByte(byte(r))
	}
	const hex = "0123456789abcdef"
	digits := make([]byte, 0, 8)
	for shift := 20; shift >= 0; shift -= 4 {
		if d := (r >> shift) & 15; d != 0 || len(digits) > 0 || shift <= 12 {
			digits = append(digits, hex[d])
		}
	}
	return `\u{` + string(digits) + `}`
}
