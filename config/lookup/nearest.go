package lookup

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns what somebody may have meant: the candidate with the fewest typing
// errors, if they are few. Equals are told apart by the alphabet, so that a message is
// the same every time.
func Nearest(given string, candidates []string) (string, bool) {
	most := min(2, max(1, len(given)/3))
	best, least := "", most+1
	for _, c := range candidates {
		if abs(len(c)-len(given)) > most || len(candidates) > many && !beginOrEndAlike(given, c) {
			continue
		}
		d := typingErrors(strings.ToLower(given), strings.ToLower(c))
		if d < least || d == least && best != "" && c < best {
			best, least = c, d
		}
	}
	if best == "" { // a short name is many letters away from a long one
		best = abbreviatedBy(given, candidates)
	}
	return best, best != ""
}

// typingErrors returns the distance of Levenshtein, where two neighbours that changed
// places are one error, as prot is for port.
func typingErrors(given, meant string) int {
	for i := range min(len(given), len(meant)) {
		if given[i] == meant[i] {
			continue
		}
		if rest := i + 2; rest <= min(len(given), len(meant)) && given[i] == meant[i+1] && given[i+1] == meant[i] {
			return min(1+levenshtein.Distance(given[rest:], meant[rest:], nil), levenshtein.Distance(given, meant, nil))
		}
		break
	}
	return levenshtein.Distance(given, meant, nil)
}

// abbreviatedBy returns the one candidate that a word is short for, or "": hostname is
// meant by host, imap_check by check.
func abbreviatedBy(given string, candidates []string) string {
	const least = 4
	if len(given) < least || len(candidates) > many {
		return ""
	}
	found := ""
	for _, c := range candidates {
		if !strings.HasPrefix(c, given) && !strings.HasSuffix(c, "_"+given) {
			continue
		}
		if found != "" { // short for two
			return ""
		}
		found = c
	}
	return found
}

// many is the number of candidates from which only those are compared that
// begin or end alike: there may be a hundred thousand checks.
const many = 1000

func beginOrEndAlike(a, b string) bool {
	return a != "" && b != "" && (a[0] == b[0] || a[len(a)-1] == b[len(b)-1])
}

func abs(n int) int { return max(n, -n) }
