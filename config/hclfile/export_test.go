package hclfile

import (
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/config/advice"
	"github.com/imapvigil/imapvigil/config/source"
)

// Rules are the ids of all rules, for the test that each has a golden file.
func Rules() []string {
	var ids []string
	for _, r := range slices.Concat(source.Rules, advice.Rules, rules) {
		ids = append(ids, r.ID)
	}
	return ids
}

// Unshown are the rules without a golden file: one that no configuration is
// known to break.
func Unshown() []string { return []string{ruleInternal.ID} }

// Withheld is a file without what may be a secret; false: it is no HCL.
func Withheld(name string, text []byte) ([]byte, bool) {
	f := source.File{Name: name, Text: text}
	if p := parse(f); p.body == nil || p.diags.HasErrors() {
		return nil, false
	}
	return withheld([]source.File{f})[0].Text, true
}

// SetMaxChecks lowers the limit for one test.
func SetMaxChecks(t *testing.T, n int) {
	before := maxChecks
	maxChecks = n
	t.Cleanup(func() { maxChecks = before })
}
