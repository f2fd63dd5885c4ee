package probe

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A mailbox that was opened before is not a wrong name: when it cannot be opened
// any more, the storage is at fault.
func TestAMailboxThatWasOpenedBeforeIsNotMissing(t *testing.T) {
	const gone = "tls\nS: * OK ready\nuntil EXAMINE *\nS: * BYE Fatal error: No such file or directory\nclose\n"
	inBubble(t, func(b *bubble) {
		b.login(config.Login{Username: "alice", Mailbox: "Archive"})
		b.serve("192.0.2.1", gone)
		b.expect(b.probe(), "degraded select/mailbox_missing account")
		b.serve("192.0.2.1", polite)
		b.expect(b.probeAfter(time.Minute), "ok")
		b.serve("192.0.2.1", gone)
		b.expect(b.probeAfter(time.Minute), "down select/backend_unavailable service")
		b.check.Login.Mailbox = "Archives" // another one
		b.expect(b.probeAfter(time.Minute), "degraded select/mailbox_missing account")
	})
}
