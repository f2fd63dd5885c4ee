//go:build !quick

package metrics_test

import (
	"net/http"
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

// What Prometheus's linter says of names, types and help texts is nothing.
func TestPromtoolIsSilent(t *testing.T) {
	w := formatWorld(t)
	for _, c := range []struct{ name, accept string }{{"text", ""}} {
		answer := w.get("/metrics", nil, "Accept", c.accept)
		if answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status)
		}
		check := exec.CommandContext(t.Context(), promtool(t), "check", "metrics")
		check.Stdin = answer.Body
		if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", c.name, err, said)
		}
	}
}
