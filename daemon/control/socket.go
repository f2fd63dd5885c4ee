// Package control is the unix socket on which the command line asks the daemon.
//
// It owns the socket: its place and permissions, for as long as the daemon lives, and
// how many clients may take how much time. What is asked and answered is daemon/api's.
// Who may connect is the business of the socket's mode and group; nothing here listens
// on a network.
package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

const (
	// socketMode lets the owner and the group of the socket's directory connect.
	socketMode = 0o660
	// checkEvery is the pause between two looks whether the socket is still at its path.
	checkEvery = 2 * time.Second
)

// A Socket is the control socket, for as long as the daemon lives: when it has
// vanished from its path, because somebody cleaned up there, it is made anew. It is
// the [net.Listener] that [Serve] wants, and admits a bounded number of clients; see
// [clients].
type Socket struct {
	// Log hears when the socket was gone and is there again, and (with an error)
	// when it cannot be made anew; nil: nobody does. It is set before Serve.
	Log func(msg string, err error)

	// Most is how many clients are served at a time; it is set before Serve.
	Most int

	path    string
	clients clients
	closing chan struct{} // closed by Close
	every   time.Duration // checkEvery

	// Of the goroutine that accepts.
	checkedAt time.Time
	lost      bool // the socket is gone, and the log says so already

	mu       sync.Mutex
	listener *net.UnixListener
	file     os.FileInfo // of the socket at its path
}

// Listen makes the socket. One that a crash left behind is replaced; one that
// a running daemon answers on is an error.
func Listen(ctx context.Context, path string) (*Socket, error) {
	l, file, err := makeSocket(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Socket{
		path: path, closing: make(chan struct{}), every: checkEvery, clients: newClients(),
		Most: MostClients, listener: l, file: file, checkedAt: time.Now(),
	}, nil
}

func makeSocket(ctx context.Context, path string) (*net.UnixListener, os.FileInfo, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // see socketMode
		return nil, nil, fmt.Errorf("making the directory of the control socket: %w", err)
	}
	l, err := bindSocket(ctx, path)
	if err != nil && isAbandoned(ctx, path) {
		_ = os.Remove(path) // if this fails, binding says why
		l, err = bindSocket(ctx, path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("opening the control socket: %w%s", err, adviceFor(path))
	}
	l.SetUnlinkOnClose(false) // by then another process may have a socket at the path
	err = os.Chmod(path, socketMode)
	file, statErr := os.Lstat(path)
	if err = errors.Join(err, statErr); err != nil {
		_ = l.Close()
		return nil, nil, fmt.Errorf("setting the mode of the control socket: %w", err)
	}
	return l, file, nil
}

func bindSocket(ctx context.Context, path string) (*net.UnixListener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	unix, ok := l.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(errors.New("it is no unix socket"), l.Close())
	}
	return unix, nil
}

// isAbandoned reports whether a path is a socket that nobody listens on.
func isAbandoned(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	dialer := net.Dialer{Timeout: time.Second}
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	// The socket is there, and no process listens on it (unix(7), connect(2)).
	return errors.Is(err, syscall.ECONNREFUSED)
}

// adviceFor says what to do about a path that cannot be listened on.
func adviceFor(path string) string {
	info, err := os.Lstat(path)
	switch {
	// First: the system says only "invalid argument" of it.
	case len(path) > api.LongestSocketPath:
		return " (" + api.SocketPathTooLong(path) + ")"
	case err != nil:
		return ""
	case info.Mode()&os.ModeSocket == 0:
		return " (there is something else, which is left alone; remove it, or name another path)"
	}
	return " (another imapvigil answers there; stop it, or name another path)"
}

// Accept implements [net.Listener]. One goroutine at a time may accept.
func (s *Socket) Accept() (net.Conn, error) {
	for {
		if time.Since(s.checkedAt) >= s.every {
			s.remakeIfGone()
		}
		l := s.currentListener()
		// Accept returns from time to time, to look whether the socket is still there.
		_ = l.SetDeadline(time.Now().Add(s.every))
		conn, err := l.Accept()
		if err == nil {
			return s.clients.admit(conn, s.Most, s.closing), nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, err
		}
	}
}

// remakeIfGone makes the socket anew when it is not at its path any more: deleted, renamed
// or replaced. As long as this process has it, no other file can have its inode.
// What another process has put there, and answers on, is left alone.
func (s *Socket) remakeIfGone() {
	s.checkedAt = time.Now()
	if s.isAtPath() {
		return
	}
	l, file, err := makeSocket(context.Background(), s.path)
	if err != nil {
		if !s.lost {
			s.logChange("the control socket is gone and cannot be recreated; retrying", err)
		}
		s.lost = true
		return
	}
	s.lost = false
	s.mu.Lock()
	_ = s.listener.Close()
	s.listener, s.file = l, file
	s.mu.Unlock()
	select {
	case <-s.closing:
		s.removeAndClose() // Close came before
		return
	default:
	}
	s.logChange("the control socket was gone and has been recreated", nil)
}

func (s *Socket) currentListener() *net.UnixListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listener
}

// isAtPath reports whether what is at the path is this socket.
func (s *Socket) isAtPath() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	file, err := os.Lstat(s.path)
	return err == nil && os.SameFile(file, s.file)
}

func (s *Socket) logChange(msg string, err error) {
	if s.Log != nil {
		s.Log(msg, err)
	}
}

// Close implements [net.Listener]. What is at the path is removed if it is this
// socket. It is called once.
func (s *Socket) Close() error {
	close(s.closing)
	s.removeAndClose()
	return nil
}

func (s *Socket) removeAndClose() {
	if s.isAtPath() {
		_ = os.Remove(s.path)
	}
	_ = s.currentListener().Close()
}

// Addr implements [net.Listener].
func (s *Socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }
