//go:build !quick

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// Whatever becomes of those who read what the daemon prints, it starts, tells of
// an outage and of its end, answers, reloads, and ends with 0 on SIGTERM. Status
// says that the log is not read.
func TestLogReaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		open func(*testing.T) *os.File
		// unread: lines wait; else they are lost, or (neither) written.
		unread, lost bool
	}{
		{"a full pipe", fullPipe(false), true, false},
		{"a full pipe that is not waited for", fullPipe(true), true, false},
		{"a full socket", fullSocket, true, false},
		{"a stopped terminal", stoppedTerminal, true, false},
		{"a full FIFO", fullFIFO, true, false},
		{"a pipe whose reader has gone", brokenPipe, false, true},
		{"a socket whose reader has gone", brokenSocket, false, true},
		{"a terminal that was closed", closedTerminal, false, true},
		{"a full device", device("/dev/full", os.O_WRONLY), false, true},
		{"a file that was opened to be read", device("/dev/null", os.O_RDONLY), false, true},
		{"the null device", device(os.DevNull, os.O_WRONLY), false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newFewServers(t, 1, "notification_role.tickets")
			h.out = test.open(t)
			h.start()
			h.awaitAll("ok")
			h.fail()
			h.awaitEvents(typeOpened, 1)
			if out, code := h.command("reload"); code != 0 {
				t.Errorf("reload ends with %d: %s", code, out)
			}
			h.recover()
			h.awaitEvents(typeClosed, 1)
			// A line may be under way just now.
			var said api.Log
			if !eventually(patience, func() bool { said = h.status().Log; return fits(said, test.unread, test.lost) }) {
				t.Errorf("status says of the log: %+v", said)
			}
			h.stop()
			h.verify(1)
		})
	}
}

func fits(l api.Log, unread, lost bool) bool {
	return (l.Waiting > 0) == unread && (l.Lost > 0) == lost && (l.LastLostAt != nil) == lost
}

// fill writes to a descriptor, which must not be waited for, until it is full.
func fill(t *testing.T, fd int) {
	t.Helper()
	for chunk := make([]byte, 4096); len(chunk) > 0; {
		switch _, err := unix.Write(fd, chunk); {
		case errors.Is(err, unix.EAGAIN):
			chunk = chunk[:len(chunk)/2]
		case err != nil:
			t.Fatalf("filling it: %v", err)
		}
	}
}

// hand makes a file of a descriptor, to be inherited in this mode.
func hand(t *testing.T, fd int, nonblocking bool) *os.File {
	t.Helper()
	if err := unix.SetNonblock(fd, nonblocking); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "out")
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func fullPipe(nonblocking bool) func(*testing.T) *os.File {
	return func(t *testing.T) *os.File {
		t.Helper()
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(p[0]) })
		fill(t, p[1])
		return hand(t, p[1], nonblocking)
	}
}

func fullSocket(t *testing.T) *os.File {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(p[0]) })
	fill(t, p[1])
	return hand(t, p[1], false)
}

func fullFIFO(t *testing.T) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0) // its own reader, who never reads
	if err != nil {
		t.Fatal(err)
	}
	fill(t, fd)
	return hand(t, fd, false)
}

func brokenPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	_ = r.Close()
	return w
}

func brokenSocket(t *testing.T) *os.File {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(p[0])
	return hand(t, p[1], false)
}

// stoppedTerminal is one in which somebody has typed ^S.
func stoppedTerminal(t *testing.T) *os.File {
	t.Helper()
	_, terminal := openTerminal(t)
	const suspendOutput = 0 // TCOOFF
	if err := unix.IoctlSetInt(int(terminal.Fd()), unix.TCXONC, suspendOutput); err != nil {
		t.Fatal(err)
	}
	return terminal
}

func closedTerminal(t *testing.T) *os.File {
	t.Helper()
	master, terminal := openTerminal(t)
	_ = master.Close()
	return terminal
}

func device(path string, flags int) func(*testing.T) *os.File {
	return func(t *testing.T) *os.File {
		t.Helper()
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
}

// Who ends the daemon while it starts finds no error, whatever the files are.
func TestEndedDuringTheStart(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"right":    "imap_check \"a\" {\n  hostname = \"192.0.2.1\"\n}\n",
		"in error": "imap_check {\n",
		"empty":    "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			end()
			var out, err bytes.Buffer
			args := []string{"run", "--config", filepath.Join(dir, "main.hcl"), "--state-dir", dir + "/state", "--control", dir + "/c.sock"}
			if code := run(ctx, args, nil, &out, &err); code != 0 {
				t.Errorf("it ends with %d: %s%s", code, &out, &err)
			}
		})
	}
}
