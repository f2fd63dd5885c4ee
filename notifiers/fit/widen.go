package fit

import (
	"strings"
	"unicode"
)

// Widen returns a text in which the given ASCII marks have their wide forms, which look alike
// ("*" is U+FF0A), for services that take them for formatting and have no way to escape them.
// An underscore between two letters or digits stays: it formats nothing, and host names and
// ids have it.
func Widen(text, marks string) string {
	runes := []rune(text)
	for i, r := range runes {
		if r > unicode.MaxASCII || !strings.ContainsRune(marks, r) || r == '_' && isInsideWord(runes, i) {
			continue
		}
		runes[i] = r + 0xFEE0 // U+FF01 to U+FF5E are ASCII from "!" to "~"
	}
	return string(runes)
}

func isInsideWord(runes []rune, i int) bool {
	isWord := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	return isWord(i-1) && isWord(i+1)
}

// Backslash returns a text in which a backslash stands before each of the given marks, for
// services that read Markdown.
func Backslash(text, marks string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(marks, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
