package probe

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also makes the test binary the server of its own benchmarks.
func TestMain(m *testing.M) {
	if script := os.Getenv(childVariable); script != "" {
		runChild(script)
		return
	}
	goleak.VerifyTestMain(m)
}
