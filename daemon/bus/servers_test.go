//go:build !quick

package bus_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

func TestMain(m *testing.M) {
	if os.Getenv(listenerEnv) != "" {
		os.Exit(runListener())
	}
	goleak.VerifyTestMain(m)
}

// One server: with TLS, keys and permissions, and without.
func TestSuiteOnOneServer(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, bustest.SuiteSetup(1, false))
	bustest.Suite(t, s.Network)
}

func TestSuiteWithoutTLSAndKeys(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, bustest.SuiteSetup(1, true))
	bustest.Suite(t, s.Network)
}

func TestSuiteOnThreeServers(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, bustest.SuiteSetup(3, false))
	bustest.Suite(t, s.Network)
}
