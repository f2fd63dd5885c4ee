package hclfile

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/unicode/norm"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// sensitive marks what comes of credential, through every expression.
type mark string

const sensitive mark = "sensitive"

// shortest is the length from which a secret is searched for. Blotting out
// every "a" because a password is "a" would tell more than it hides.
const shortest = 4

// keepSecret remembers a secret, so that no diagnostic can hold it.
func (l *loader) keepSecret(text string) {
	forms := []string{text, strings.TrimSpace(text), norm.NFC.String(text), base64.StdEncoding.EncodeToString([]byte(text))}
	for line := range strings.Lines(text) {
		forms = append(forms, strings.TrimSpace(line))
	}
	for _, form := range forms {
		if len(form) >= shortest {
			l.secrets[form] = true
		}
	}
}

// keepSecrets remembers every text in a value.
func (l *loader) keepSecrets(v cty.Value) {
	for _, text := range textsIn(v) {
		l.keepSecret(text)
	}
}

// scrubber takes every known secret out of a text, as it is and as it looks
// between quotes; the longest first, since one may be part of another.
func (l *loader) scrubber() *strings.Replacer {
	var pairs []string
	for _, s := range slices.SortedFunc(maps.Keys(l.secrets), longestFirst) {
		escaped := quoted(s)
		pairs = append(pairs, s, opaque.Redacted, escaped[1:len(escaped)-1], opaque.Redacted)
	}
	return strings.NewReplacer(pairs...)
}

func longestFirst(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }

// scrub takes the secrets out of what will be seen. The underline goes when it
// would no longer be true.
func scrub(d *config.Diagnostic, secrets *strings.Replacer) {
	d.Summary = printable(secrets.Replace(d.Summary))
	d.Detail = printable(secrets.Replace(d.Detail))
	if clean := secrets.Replace(d.Excerpt); clean != d.Excerpt {
		d.Excerpt, d.Mark = clean, [2]int{}
	}
}
