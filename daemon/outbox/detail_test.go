package outbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Every reason is said in plain words. That the manual explains it is daemon/glossary's.
func TestEveryReasonIsExplained(t *testing.T) {
	t.Parallel()
	said := map[string]outbox.HeldReason{}
	for _, reason := range outbox.HeldReasons() {
		h := outbox.Held{Reason: reason, Name: "night", Parent: config.Ref{Server: "gw"}, Until: time.Now()}
		detail := h.Detail()
		if !strings.Contains(detail, " ") && reason != outbox.HeldUntilAfter {
			t.Errorf("%s is said as %q", reason, detail)
		}
		if other, twice := said[detail]; twice {
			t.Errorf("%s and %s are both said as %q", reason, other, detail)
		}
		said[detail] = reason
	}
}
