package diagnose

import (
	"cmp"
	"encoding/base64"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// KeepSecret remembers a secret, so that no diagnostic can hold it: as it is, and as
// it looks between quotes.
func (f *Findings) KeepSecret(text string) {
	forms := []string{text, strings.TrimSpace(text), norm.NFC.String(text), base64.StdEncoding.EncodeToString([]byte(text))}
	// An excerpt is one line, and may hold one of a key.
	for line := range strings.Lines(text) {
		forms = append(forms, strings.TrimSpace(line))
	}
	for _, form := range forms {
		if len(form) >= opaque.Shortest { // fewer are in many words by chance
			escaped := Quoted(form)
			f.secrets.Add(form, escaped[1:len(escaped)-1])
		}
	}
}

// LongestFirst compares texts by their lengths, for a sort: one may be a part of
// another.
func LongestFirst(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }

// scrubDiagnostic takes the secrets out of what will be seen. The underline goes when it
// would no longer be true.
func scrubDiagnostic(d *config.Diagnostic, secrets *opaque.Scrubber) {
	d.Summary = printable(secrets.Scrub(d.Summary))
	d.Detail = printable(secrets.Scrub(d.Detail))
	if clean := secrets.Scrub(d.Excerpt); clean != d.Excerpt {
		d.Excerpt, d.Mark = clean, [2]int{} // it counted runes of the line as it was
	}
}
