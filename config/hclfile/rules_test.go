package hclfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

// TestEveryRuleIsShown holds the rules of the loader against the golden files:
// each rule is broken by one of them.
func TestEveryRuleIsShown(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, diags := openScript(t, filepath.Join(home, file)).load(t)
			for _, d := range diags {
				if d.Rule == "" || !slices.Contains(hclfile.Rules(), d.Rule) {
					t.Errorf("%q belongs to no rule: %q", d.Summary, d.Rule)
				}
				shown[d.Rule] = true
			}
		})
	}
	for _, id := range hclfile.Rules() {
		if !shown[id] && !slices.Contains(hclfile.Unshown(), id) {
			t.Errorf("no golden file breaks the rule %s", id)
		}
	}
}

func TestRulesAreNamedOnce(t *testing.T) {
	ids := hclfile.Rules()
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("a rule is registered twice: %q", ids)
	}
}
