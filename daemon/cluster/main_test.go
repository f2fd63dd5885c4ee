//go:build !quick

package cluster_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests; or this is a machine of TestRealFaults.
func TestMain(m *testing.M) {
	flag.Parse()
	if *asMachine != "" {
		os.Exit(runMachine(*asMachine))
	}
	goleak.VerifyTestMain(m)
}
