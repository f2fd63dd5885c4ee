package hclfile

import "testing"

// Rules are the ids of all rules, for the test that each has a golden file.
func Rules() []string {
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.id)
	}
	return ids
}

// Unshown are the rules without a golden file: one that no configuration is
// known to break.
func Unshown() []string { return []string{ruleInternal.id} }

// Withheld is a file without what may be a secret; false: it is no HCL.
func Withheld(name string, text []byte) ([]byte, bool) {
	f := source{name: name, text: text}
	if p := parse(f); p.body == nil || p.diags.HasErrors() {
		return nil, false
	}
	files, _ := withheld([]source{f})
	return files[0].text, true
}

// SetMaxChecks lowers the limit for one test.
func SetMaxChecks(t *testing.T, n int) {
	before := maxChecks
	maxChecks = n
	t.Cleanup(func() { maxChecks = before })
}

// TakeSecretsFromElsewhere has secrets come from locals and for_each, as versions
// before let them, for one test.
func TakeSecretsFromElsewhere(t *testing.T) {
	secretsFromElsewhere = true
	t.Cleanup(func() { secretsFromElsewhere = false })
}

// MountReadOnly has what path leads to, and what is below it, lie on a file system
// that is mounted read-only, for one test.
func MountReadOnly(t *testing.T, path string) {
	before := mountedReadOnly
	mountedReadOnly = func(file string) bool {
		_, in := below(path, really(file))
		return in || before(file)
	}
	t.Cleanup(func() { mountedReadOnly = before })
}

// SnapshotOf is a Snapshot of one file that lies nowhere.
func SnapshotOf(name string, text []byte) *Snapshot {
	s := &Snapshot{path: name, root: "/nowhere", known: map[string]content{}, named: map[string]bool{}}
	s.add(name, text)
	return s
}
