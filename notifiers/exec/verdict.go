package exec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// permanentCodes are what a program ends with when another run cannot help: sysexits(3) EX_USAGE,
// EX_DATAERR, EX_NOINPUT, EX_NOUSER, EX_NOHOST, EX_NOPERM, EX_CONFIG; of a shell "cannot be
// run" and "not found". Every other number may be a crash, which must not lose an alarm.
var permanentCodes = []int{64, 65, 66, 67, 68, 77, 78, 126, 127}

// verdict returns the receipt of a run, or its error.
func (n *notifier) verdict(r result) (notifiers.Receipt, error) {
	status := r.state.Sys().(syscall.WaitStatus) // as on every Unix
	switch code := status.ExitStatus(); {
	case status.Signaled():
		return notifiers.Receipt{}, notifiers.Unsure(n.failed("ended by "+signalName(status.Signal()), r))
	case code == 0:
		return notifiers.Receipt{Answer: opaque.Sanitise(cmp.Or(n.firstLine(r.stdout), "exit status 0"))}, nil
	case slices.Contains(permanentCodes, code):
		return notifiers.Receipt{}, notifiers.Permanent(n.failed(fmt.Sprintf("exit status %d", code), r))
	default:
		return notifiers.Receipt{}, n.failed(fmt.Sprintf("exit status %d", code), r)
	}
}

func signalName(s syscall.Signal) string { return fmt.Sprintf("signal %d (%s)", int(s), s) }

// failed returns an error with what the program said last of its error, or first of what it wrote
// otherwise: apprise writes why, and its whole usage behind it.
func (n *notifier) failed(how string, r result) error {
	text := n.command[0] + ": " + how
	if words := cmp.Or(n.lastLine(r.stderr), n.firstLine(r.stdout)); words != "" {
		text += ": " + words
	}
	return fmt.Errorf("running %s", text)
}

// maxLine is how much of a line is kept, in bytes.
const maxLine = 200

// firstLine returns the first line that says something, without secrets.
func (n *notifier) firstLine(t *tail) string {
	for line := range strings.Lines(n.secrets.Scrub(string(t.kept))) {
		if line = strings.TrimSpace(line); line != "" {
			return harmless(line, false)
		}
	}
	return ""
}

// lastLine returns the last line that says something, without secrets.
func (n *notifier) lastLine(t *tail) string {
	lines := strings.Split(strings.TrimSpace(n.secrets.Scrub(string(t.kept))), "\n")
	// Where the beginning was cut off, half a secret may be left there, which is not found: the end
	// of the line is far from it.
	return harmless(strings.TrimSpace(lines[len(lines)-1]), t.cut && len(lines) == 1)
}

// harmless cuts a line and makes it printable; what the cut leaves of a character becomes
// visible, too.
func harmless(line string, end bool) string {
	switch {
	case len(line) <= maxLine:
	case end:
		line = "..." + line[len(line)-maxLine:]
	default:
		line = line[:maxLine] + "..."
	}
	return opaque.Sanitise(line).String()
}
