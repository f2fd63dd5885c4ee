package hclfile

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// guard turns a panic in a library that evaluates expressions into an error: a
// configuration, whatever is in it, must not end a daemon that is running. What
// the panic says is not repeated, since it may hold a value; where it came from
// is.
func (l *loader) guard(run func()) {
	defer func() {
		if r := recover(); r != nil {
			l.Report(ruleInternal, hcl.Range{Filename: l.snapshot.Path()}, "This is a bug in imapvigil, not a mistake in the configuration, which is refused. Please report it with: %T at %s", r, panickedAt())
		}
	}()
	run()
}

// panickedAt names the function that panicked, and its line.
func panickedAt() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for { // past the runtime's own functions, which every panic has on top
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf("%s, %s:%d", frame.Function, filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// count makes sure that nothing is lost on the way from the files to the
// configuration without somebody being told.
func (l *loader) count() {
	c := l.config
	for what, lost := range map[string]int{
		"imap_check":        len(l.checks) - len(c.Checks),
		"server":            len(l.servers) - len(c.Servers),
		"group":             len(l.groups) - len(c.Groups),
		"notifier":          len(l.named["notifier"]) - len(c.Notifiers),
		"notification_role": len(l.named["notification_role"]) - len(c.Roles),
		"schedule":          len(l.named["schedule"]) - len(c.Schedules),
		"maintenance":       len(l.named["maintenance"]) - len(c.Maintenance),
		"moved":             len(l.moved) - len(c.Moved),
	} {
		if lost != 0 {
			l.Report(ruleInternal, hcl.Range{Filename: l.snapshot.Path()}, "This is a bug in imapvigil, not a mistake in the configuration, which is refused. Please report it with: %d blocks %s lost", lost, what)
		}
	}
}
