package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config/lookup"
)

// Nearest returns what somebody may have meant by a word; see [lookup.Nearest].
func Nearest(given string, candidates []string) (string, bool) {
	return lookup.Nearest(given, candidates)
}

// DidYouMean returns the end of a message about an unknown name: what is near, else what
// there is after the words of intro, where that is not too much.
func DidYouMean(given string, candidates []string, write func(string) string, intro string) string {
	if near, ok := Nearest(given, candidates); ok {
		return fmt.Sprintf(" Did you mean %s?", write(near))
	}
	const few = 10
	if len(candidates) == 0 || len(candidates) > few {
		return ""
	}
	known := slices.Clone(candidates)
	slices.Sort(known)
	for i, c := range known {
		known[i] = write(c)
	}
	return " " + intro + " " + Enumerate(known, "and") + "."
}

// OnlyNear returns the end of a message about an unknown word: what is near, if anything
// is.
func OnlyNear(given string, words []string) string {
	if near, ok := Nearest(given, words); ok {
		return fmt.Sprintf(" Did you mean %q?", near)
	}
	return ""
}

// OneInside returns the end of a message about an unknown word that is one of the known
// words and more, or a part of some of them: state_dir for state_directory, control for
// control_socket. It returns "" where there is none, or so many that they are no guess.
func OneInside(given string, words []string) string {
	const few = 3
	var like []string
	for _, word := range words {
		if begins(given, word) || begins(word, given) {
			like = append(like, fmt.Sprintf("%q", word))
		}
	}
	if len(like) == 0 || len(like) > few {
		return ""
	}
	slices.Sort(like)
	return fmt.Sprintf(" Did you mean %s?", Enumerate(like, "or"))
}

// begins reports whether a word, or a part of it behind an underscore, begins with another
// word that is long enough to mean something.
func begins(word, with string) bool {
	const shortest = 3
	return len(with) >= shortest && (strings.HasPrefix(word, with) || strings.Contains(word, "_"+with))
}
