//go:build !quick

package metrics_test

import (
	"os/exec"
	"testing"
)

// promtool returns the path of Prometheus's own tool.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is not there; install the Debian package prometheus: ", err)
	}
	return path
}

// Prometheus's linter has nothing to say of names, types and help texts.
func TestPromtoolIsSilent(t *testing.T) {
	check := exec.CommandContext(t.Context(), promtool(t), "check", "metrics")
	check.Stdin = formatWorld(t).get("/metrics", nil).Body
	if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v\n%s", err, said)
	}
}
