//go:build systemd

package packaging_test

import (
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/debian"
)

// included is what a machine has beside Debian's minimum: what the package depends
// on, since its network leads nowhere, what systemd, Ansible and an rpm need, and
// what the machine of somebody who watches mail servers has.
var included = []string{
	"ca-certificates", "dbus", "python3-apt", "rpm", "systemd-sysv", "tzdata",
	"bash-completion", "dovecot-imapd", "man-db", "postfix",
}

// image gives the directory of a Debian, and installs it if no run has done so before.
func image(t *testing.T, release string) string {
	t.Helper()
	return string(debian.Install(t, release, included...))
}

// last gives the last lines of a text.
func last(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// await looks until something holds that nothing tells of.
func await(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(within); !holds(); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("%v have passed, and not yet: %s", within, what)
		}
	}
}
