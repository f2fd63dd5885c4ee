package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A hand does what people and programs do to files, and knows for how long it
// has left them as they were meanwhile.
type hand struct {
	t    testing.TB
	root string

	// pauses is how often two reads of the files may have agreed on something
	// between the first and the last operation. Without one, whoever reads twice
	// sees that somebody is still writing, on however busy a machine.
	pauses int
	took   time.Duration
}

// do runs operations, one a line or separated by semicolons; paths are relative
// to the root:
//
//	write PATH TEXT    in place, with the directories it needs
//	put PATH TEXT      to a temporary file, then renamed over PATH
//	mkdir, rm PATH     as mkdir -p and rm -r
//	mv FROM TO         as rename(2)
//	ln TARGET LINK     a symbolic link, put in place at once
//	old PATH           with a modification time of long ago
//	pipe PATH          a named pipe
//	many DIR N FIRST   N files with one check each, whose ports count from FIRST
//	flip PATH N        a file that is never read, renamed to and fro
//
// A TEXT is checks with their ports, as a=1,b=2; or nothing; or broken.
func (h *hand) do(script string) {
	h.t.Helper()
	began := time.Now()
	var apart time.Duration // what counts its pauses itself, or makes no difference
	for line := range strings.FieldsFuncSeq(script, func(r rune) bool { return r == '\n' || r == ';' }) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		start := time.Now()
		if err := h.operation(filepath.Join(h.root, f[1]), f); err != nil {
			h.t.Fatalf("%s: %v", line, err)
		}
		if f[0] == "many" || f[0] == "flip" {
			apart += time.Since(start)
		}
	}
	h.took += time.Since(began)
	h.pauses += int((time.Since(began) - apart) / settleTime)
}

// rest is the end of what belongs together.
func (h *hand) rest() (pauses int, took time.Duration) {
	pauses, took = h.pauses, h.took
	h.pauses, h.took = 0, 0
	return pauses, took
}

func (h *hand) operation(path string, f []string) error {
	switch f[0] {
	case "write":
		return write(path, hcl(f[2]))
	case "put":
		return put(path, hcl(f[2]))
	case "mkdir":
		return os.MkdirAll(path, 0o755)
	case "rm":
		return os.RemoveAll(path)
	case "mv":
		return os.Rename(path, filepath.Join(h.root, f[2]))
	case "ln":
		return link(f[1], filepath.Join(h.root, f[2]))
	case "old":
		return os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0))
	case "pipe":
		return syscall.Mkfifo(path, 0o600)
	case "many":
		return h.many(path, number(f[2]), number(f[3]))
	case "flip":
		return flip(path, number(f[2]))
	}
	return fmt.Errorf("no such operation")
}

// many writes a file after the other. Each of them makes a difference, so that
// only a long time from the beginning of one to the end of the next is a pause.
func (h *hand) many(dir string, n, first int) error {
	last := time.Now()
	for i := range n {
		began := time.Now()
		if err := write(filepath.Join(dir, fmt.Sprintf("%d.hcl", i)), hcl(fmt.Sprintf("c%d=%d", i, first+i))); err != nil {
			return err
		}
		h.pauses += int(time.Since(last) / settleTime)
		last = began
	}
	return nil
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// flip makes four events each time.
func flip(path string, n int) error {
	if err := write(path+"~", ""); err != nil {
		return err
	}
	for range n {
		if err := errors.Join(os.Rename(path+"~", path+"~~"), os.Rename(path+"~~", path+"~")); err != nil {
			return err
		}
	}
	return nil
}

func number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		panic(err)
	}
	return n
}

func put(path, text string) error {
	temp := filepath.Join(filepath.Dir(path), ".temp")
	if err := write(temp, text); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

func link(target, path string) error {
	temp := filepath.Join(filepath.Dir(path), ".temp")
	if err := os.Symlink(target, temp); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// hcl gives the text of a file for short.
func hcl(text string) string {
	if text == "nothing" {
		return ""
	}
	var b strings.Builder
	for check := range strings.SplitSeq(text, ",") {
		name, port, ok := strings.Cut(check, "=")
		if !ok {
			return "imap_check \"" + text + "\" {\n"
		}
		fmt.Fprintf(&b, "imap_check %q {\n  hostname = \"127.0.0.1\"\n  port     = %s\n  security = \"none\"\n  interval = \"1h\"\n}\n", name, port)
	}
	return b.String()
}
