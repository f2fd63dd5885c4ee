package notifiers

import (
	"cmp"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// minSecret keeps a secret of a few characters from turning every answer into
// a row of "(sensitive)".
const minSecret = 4

// Redact takes secrets out of what the other side said: a server may send back
// what it was sent, and its words go into logs and incidents.
func Redact(text string, secrets ...string) string {
	longestFirst := func(a, b string) int { return cmp.Compare(len(b), len(a)) }
	for _, secret := range slices.SortedFunc(slices.Values(secrets), longestFirst) {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, opaque.Redacted)
		}
	}
	return text
}
