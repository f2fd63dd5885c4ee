package lookup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Words returns the words of a flag, which may be given several times and hold several,
// with commas between them. A word that is not among those allowed is an error, which
// names them; what is the kind of word, like "state".
func Words[T ~string](what string, given []string, allowed []T) (list []T, err error) {
	names := make([]string, 0, len(allowed))
	for _, a := range allowed {
		names = append(names, string(a))
	}
	for _, words := range given {
		for word := range strings.SplitSeq(words, ",") {
			word = strings.TrimSpace(word)
			if !slices.Contains(names, word) {
				hint := ""
				if meant, ok := Nearest(word, names); ok {
					hint = "; did you mean " + meant + "?"
				}
				return nil, fmt.Errorf("there is no %s %q%s The %ss are %s", what, word, cmp.Or(hint, "."), what, Enumerate(names, "and"))
			}
			if !slices.Contains(list, T(word)) {
				list = append(list, T(word))
			}
		}
	}
	return list, nil
}

// Enumerate joins words as a sentence has them: "a, b and c"; last is the word before the
// last one.
func Enumerate(words []string, last string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}
