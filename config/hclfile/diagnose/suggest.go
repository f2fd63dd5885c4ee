package diagnose

import (
	"fmt"
	"slices"

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
