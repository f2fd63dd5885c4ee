package hclfile

import (
	"encoding/base64"
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
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			l.keepSecret(v.AsString())
		}
		return true, nil
	})
}

// scrub takes every known secret out of a text, as it is and as it looks
// between quotes.
func (l *loader) scrub(text string) string {
	if len(l.secrets) == 0 {
		return text
	}
	for _, s := range l.secretsByLength() {
		text = strings.ReplaceAll(text, s, opaque.Redacted)
		escaped := quoted(s)
		text = strings.ReplaceAll(text, escaped[1:len(escaped)-1], opaque.Redacted)
	}
	return text
}

// secretsByLength has the longest first, since one may be part of another.
func (l *loader) secretsByLength() []string {
	if len(l.sorted) != len(l.secrets) {
		l.sorted = l.sorted[:0]
		for s := range l.secrets {
			l.sorted = append(l.sorted, s)
		}
		slices.SortFunc(l.sorted, func(a, b string) int { return len(b) - len(a) })
	}
	return l.sorted
}

// scrubExcerpt does the same to a source line. The underline goes with it
// when it would no longer be true.
func (l *loader) scrubExcerpt(d *config.Diagnostic) {
	if clean := l.scrub(d.Excerpt); clean != d.Excerpt {
		d.Excerpt, d.Mark = clean, [2]int{}
	}
}
