package watch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
)

// trouble is why changes are noticed by the poll only.
type trouble struct {
	text   string // for status; empty means none
	causes string // without names and counts, so that the same trouble is told once
}

// Polling reports whether some or all changes are noticed by the poll only, and
// why: events are switched off, a limit of inotify is reached, or a directory may
// not be read.
func (w *Watcher) Polling() (bool, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trouble.text != "", w.trouble.text
}

// noteTrouble keeps how setting the watches went, and logs when it is another trouble
// than the time before.
func (w *Watcher) noteTrouble(now trouble) {
	w.mu.Lock()
	before := w.trouble
	w.trouble = now
	w.mu.Unlock() // before logging: whoever logs may ask Polling
	switch {
	case now.causes == before.causes:
	case now.causes == "":
		w.o.Log("configuration changes are noticed at once again", nil)
	default:
		w.o.Log(fmt.Sprintf("configuration changes may be noticed late: files are checked every %v", w.o.Poll), errors.New(now.text))
	}
}

// faults gathers what went wrong in one survey.
type faults struct {
	causes []string // each once, in the order in which they came up
	first  string   // the directory of the first fault
	count  int
}

func (f *faults) addFault(dir string, err error) {
	if f.count++; f.count == 1 {
		f.first = dir
	}
	if c := explainLimit(err); !slices.Contains(f.causes, c) {
		f.causes = append(f.causes, c)
	}
}

func (f faults) asTrouble() trouble {
	causes := strings.Join(f.causes, "; ")
	switch f.count {
	case 0:
		return trouble{}
	case 1:
		return trouble{fmt.Sprintf("%q cannot be watched: %s", f.first, causes), causes}
	}
	return trouble{fmt.Sprintf("%q and %d more cannot be watched: %s", f.first, f.count-1, causes), causes}
}

func withoutEvents(err error) trouble {
	return trouble{"no file-system events: " + explainLimit(err), explainLimit(err)}
}

// explainLimit returns what is wrong, and for the limits in inotify(7) what an
// administrator can do about it.
func explainLimit(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the limit of inotify watches is reached (raise sysctl fs.inotify.max_user_watches)"
	case errors.Is(err, syscall.EMFILE):
		return "the limit of inotify instances or of open files is reached (raise sysctl fs.inotify.max_user_instances or LimitNOFILE=)"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return err.Error()
}
