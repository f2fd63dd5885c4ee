package daemon

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

func TestTell(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	environment := Environment{NotifySocket: socket}
	environment.notifySystemd("READY=1\nSTATUS=watching")
	var text [100]byte
	n, err := l.Read(text[:])
	if err != nil || string(text[:n]) != "READY=1\nSTATUS=watching" {
		t.Errorf("%q, %v", text[:n], err)
	}
	// The queue of a socket that nobody reads holds some datagrams; a daemon
	// that waited for room would wait for ever.
	for range 20 {
		environment.notifySystemd("STATUS=still watching")
		if full(t, socket) {
			environment.notifySystemd("STATUS=nobody reads this")
			return
		}
	}
	t.Fatal("the queue never filled up; the test proves nothing")
}

// A start that is refused says so, with the place.
func TestTellRefused(t *testing.T) {
	dir := t.TempDir()
	socket, file := filepath.Join(dir, "notify"), filepath.Join(dir, "broken.hcl")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := os.WriteFile(file, []byte("nonsense {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), Options{Environment: Environment{NotifySocket: socket}, ConfigPath: file, StateDir: dir, Log: zap.NewNop()}); err == nil {
		t.Fatal("it started")
	}
	text := make([]byte, 1000)
	n, err := l.Read(text)
	if err != nil || !strings.HasPrefix(string(text[:n]), "STATUS=not started: ") || !strings.Contains(string(text[:n]), file+":1") {
		t.Errorf("%q, %v", text[:n], err)
	}
}

// full fills the queue without waiting, and reports whether it is full.
func full(t *testing.T, socket string) bool {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Write(func(fd uintptr) bool {
		failed = send(fd)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return failed != nil
}

// send writes without waiting for room.
func send(fd uintptr) error {
	return unix.Send(int(fd), []byte("STATUS=filling"), unix.MSG_DONTWAIT)
}
