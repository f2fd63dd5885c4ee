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

// Dormant are the rules that wait for their attribute to come into effect.
func Dormant() []string {
	if daemonTable.notYet("heartbeat_url") {
		return []string{ruleNoHeartbeat.id}
	}
	return nil
}

// SetMaxChecks lowers the limit for one test.
func SetMaxChecks(t *testing.T, n int) {
	before := maxChecks
	maxChecks = n
	t.Cleanup(func() { maxChecks = before })
}
