package diagnose

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/config/lookup"
)

// Enumerate returns words joined as in a sentence, "a, b and c": last is the word before
// the last of them.
func Enumerate(words []string, last string) string { return lookup.Enumerate(words, last) }

// Quoted returns a name between quotes, as a message has it.
func Quoted(name string) string { return fmt.Sprintf("%q", name) }

// Plain returns a name as it is, for messages.
func Plain(name string) string { return name }

// QuoteAll returns words, each between quotes.
func QuoteAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = Quoted(w)
	}
	return out
}

// An returns the name of a block with "a" or "an" before it.
func An(name string) string {
	if name == "" {
		return "the top level"
	}
	if strings.ContainsAny(name[:1], "aeiou") {
		return "an " + name
	}
	return "a " + name
}

// Capital returns a part of a sentence as the beginning of one.
func Capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// LowerFirst returns a sentence of the manual as a part of another: in lower case,
// unless it begins with an abbreviation.
func LowerFirst(text string) string {
	if len(text) > 1 && strings.ToUpper(text[:2]) == text[:2] {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// Plural returns a number of things: "1 character", "2 characters".
func Plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}
