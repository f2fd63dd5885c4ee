// Package fit makes texts fit into what a service takes.
//
// It owns cutting, in the unit in which a service counts, and what takes the meaning
// from characters that a service would read as a mention or a link. It knows no
// service and no message.
//
// A caller may rely on this: what is returned is never longer than asked for, is valid
// UTF-8 where the text was, and says with "…" that something was left out.
package fit

import (
	"strings"
	"unicode/utf8"
)

// A Unit is what a service counts.
type Unit func(r rune) int

// The units.
var (
	Bytes Unit = utf8.RuneLen
	Runes Unit = func(rune) int { return 1 }
	// UTF16 counts code units: two for what is beyond the Basic Multilingual Plane (RFC 2781).
	UTF16 Unit = func(r rune) int {
		if r > 0xFFFF {
			return 2
		}
		return 1
	}
)

const ellipsis = '…'

// Length returns how long a text is. What is not UTF-8 counts as U+FFFD.
func (u Unit) Length(text string) (n int) {
	for _, r := range text {
		n += u(r)
	}
	return n
}

// Cut returns the text, or so much of its beginning that it is at most so long with the
// ellipsis behind it. Where not even that has room, it is empty.
func (u Unit) Cut(text string, most int) string {
	room, end, n := most-u(ellipsis), 0, 0
	for i, r := range text {
		if n += u(r); n > most {
			if room < 0 {
				return ""
			}
			return strings.TrimRight(text[:end], " \n") + string(ellipsis)
		}
		if n <= room {
			end = i + utf8.RuneLen(r)
		}
	}
	return text
}

// Lines joins lines with line ends as long as they have room, cuts the first that has none,
// and leaves out those behind it: what matters most stands first.
func (u Unit) Lines(most int, lines ...string) string {
	var b strings.Builder
	left := most
	for i, line := range lines {
		if i > 0 {
			line = "\n" + line
		}
		n := u.Length(line)
		if n > left {
			b.WriteString(u.Cut(line, left))
			break
		}
		b.WriteString(line)
		left -= n
	}
	return strings.TrimRight(b.String(), "\n")
}

// Defang returns a text in which nothing is a mention or a link in angle brackets, for services
// without a way to escape: "@" and "<" become their wide forms, which look alike (U+FF20,
// U+FF1C).
func Defang(text string) string { return defanged.Replace(text) }

var defanged = strings.NewReplacer("@", "＠", "<", "＜")
