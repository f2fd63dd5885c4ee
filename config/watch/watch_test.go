package watch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	quiet    = 5 * time.Millisecond
	never    = time.Hour       // a poll that cannot be what noticed the change
	deadline = 2 * time.Minute // for a signal on a busy machine
)

// start runs a Watcher whose first signal has been taken: its watches stand.
func start(t interface {
	rapid.TB
	Cleanup(cleanup func())
}, w *Watcher,
) *Watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	if r := signal(t, w, deadline); r != Watching {
		t.Fatalf("first signal is %v, want %v", r, Watching)
	}
	return w
}

func signal(t rapid.TB, w *Watcher, within time.Duration) Reason {
	t.Helper()
	select {
	case r := <-w.C():
		return r
	case <-time.After(within):
		t.Fatal("no signal")
		return 0
	}
}

// calm takes signals until none comes any more, so that the next one is owed to
// what happens next.
func calm(w *Watcher) (taken int) {
	for {
		select {
		case <-w.C():
			taken++
		case <-time.After(max(10*w.o.Quiet, 10*time.Millisecond)):
			return taken
		}
	}
}

// awaitView looks when it is told to, as the daemon does, and only then, until it
// sees what is there now.
func awaitView(t rapid.TB, w *Watcher) {
	t.Helper()
	for now := view(w); ; {
		signal(t, w, deadline)
		if view(w) == now {
			return
		}
	}
}

// view is what a reader of the configuration sees: every file below the path
// that is read, what is wrong with others, and the files named beside it, with their
// contents.
func view(w *Watcher) string {
	var b strings.Builder
	if s, err := source.Read(w.o.Path, source.Options{}); err == nil {
		for _, f := range s.Files() {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Text)
		}
		for _, p := range s.Problems() {
			fmt.Fprintf(&b, "%s: %s\n", p.File, p.Detail)
		}
	}
	for _, path := range w.alsoPaths() {
		viewFile(&b, path)
	}
	return b.String()
}

func viewFile(b *strings.Builder, path string) {
	if content, err := os.ReadFile(path); err == nil {
		fmt.Fprintf(b, "%s: %s\n", path, content)
	}
}

// do runs a script of file operations, one a line (or separated by semicolons),
// paths relative to root:
//
//	write PATH TEXT    in place, with the directories it needs
//	put PATH TEXT      to a temporary file, then renamed over PATH
//	mkdir, rm PATH     as mkdir -p and rm -r
//	mv FROM TO         as rename(2)
//	ln TARGET LINK     a symbolic link, put in place at once; a TARGET that starts
//	                   with / is one below root
//	old PATH           with a modification time of long ago
func do(t rapid.TB, root, script string) {
	t.Helper()
	for line := range strings.FieldsFuncSeq(script, func(r rune) bool { return r == '\n' || r == ';' }) {
		if f := strings.Fields(line); len(f) > 0 {
			if err := operation(root, f); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
}

func operation(root string, f []string) error {
	path := filepath.Join(root, f[1])
	switch f[0] {
	case "write":
		return write(path, f[2])
	case "put":
		tmp := filepath.Join(filepath.Dir(path), ".tmp")
		if err := write(tmp, f[2]); err != nil {
			return err
		}
		return os.Rename(tmp, path)
	case "mkdir":
		return os.MkdirAll(path, 0o755)
	case "rm":
		return os.RemoveAll(path)
	case "mv":
		return os.Rename(path, filepath.Join(root, f[2]))
	case "ln":
		target, link := f[1], filepath.Join(root, f[2])
		if filepath.IsAbs(target) {
			target = path
		}
		tmp := filepath.Join(filepath.Dir(link), ".tmp")
		if err := os.Symlink(target, tmp); err != nil {
			return err
		}
		return os.Rename(tmp, link)
	case "old":
		return os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0))
	}
	return fmt.Errorf("no such operation")
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
