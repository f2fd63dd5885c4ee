package diagnose

import (
	"fmt"
	"strings"
)

// Enumerate joins words as a sentence does.
func Enumerate(words []string, last string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// Quoted writes a name in a message between quotes.
func Quoted(name string) string { return fmt.Sprintf("%q", name) }

// Plain writes a name in a message as it is.
func Plain(name string) string { return name }

// QuoteAll puts words between quotes.
func QuoteAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = Quoted(w)
	}
	return out
}

// An puts "a" or "an" before the name of a block.
func An(name string) string {
	if name == "" {
		return "the top level"
	}
	if strings.ContainsAny(name[:1], "aeiou") {
		return "an " + name
	}
	return "a " + name
}

// Capital makes a part of a sentence its beginning.
func Capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// LowerFirst makes a sentence of the manual a part of another, unless it begins
// with an abbreviation.
func LowerFirst(text string) string {
	if len(text) > 1 && strings.ToUpper(text[:2]) == text[:2] {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// Plural counts things: 1 character, 2 characters.
func Plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// WithSpace makes a sentence follow another.
func WithSpace(sentence string) string {
	if sentence == "" {
		return ""
	}
	return " " + sentence
}
