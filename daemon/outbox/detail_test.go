package outbox_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Every reason is said in plain words, and explained in the manual.
func TestEveryReasonIsExplained(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../packaging/man/imapvigil.8")
	if err != nil {
		t.Fatal(err)
	}
	_, about, found := strings.Cut(string(manual), ".Li reason :")
	if about, _, _ = strings.Cut(about, "\n.It "); !found {
		t.Fatal("the manual does not list the reasons")
	}
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
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(string(reason)) + `\b`).MatchString(about) {
			t.Errorf("the manual does not list %s", reason)
		}
	}
}
