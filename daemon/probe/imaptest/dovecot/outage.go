package dovecot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// Start starts a stopped server again, on the same ports and with its users' mail, and
// returns when it greets. A running server is left alone.
func (s *Server) Start() {
	s.t.Helper()
	if s.process != nil {
		return
	}
	// In the foreground (-F): the process that is launched is the master, which takes the signals.
	program := []string{s.binary, "-F", "-c", s.configFile()}
	if s.options.Image != "" {
		program = s.options.Image.Command([]string{s.dir}, program...)
	}
	running, err := process.Launch(s.logFile(), program...)
	if err != nil {
		s.t.Fatalf("starting dovecot: %v", err)
	}
	s.process = running
	s.await("both ports to greet", s.bothGreet)
}

// Stop ends the server as systemd would, with SIGTERM, and returns when connections are
// refused; Dovecot takes a second for that, most of it for its log. A stopped server is
// left alone.
func (s *Server) Stop() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	process.Must(s.t, s.process.End())
	s.process = nil
	s.await("connections to be refused", func(ctx context.Context) error {
		return errors.Join(process.Refuses(ctx, s.IMAP()), process.Refuses(ctx, s.IMAPS()))
	})
}

// discard kills the server at the end of the test, which need not be polite.
func (s *Server) discard() {
	s.t.Helper()
	if s.process != nil {
		process.Must(s.t, s.process.Kill())
	}
}

// Freeze stops all processes of the server in their tracks (SIGSTOP). The kernel goes on
// accepting connections for them, until the backlog is full, but nobody ever answers.
func (s *Server) Freeze() {
	s.t.Helper()
	process.Must(s.t, s.running().Signal(syscall.SIGSTOP))
}

// Thaw undoes Freeze. What clients sent in the meantime is answered now.
func (s *Server) Thaw() {
	s.t.Helper()
	process.Must(s.t, s.running().Signal(syscall.SIGCONT))
}

// StopAuth makes the authentication process die whenever it is started. Clients then get no
// proper greeting: the connection is closed, or says "* OK Waiting for authentication
// process to respond.." and after a while "* BYE Auth process broken".
func (s *Server) StopAuth() {
	s.t.Helper()
	s.authDown = true
	s.reload()
	s.await("greetings to cease", func(ctx context.Context) error {
		if _, err := process.Greet(ctx, s.IMAPS(), process.ImplicitTLS); err == nil {
			return errors.New("still greeting")
		}
		return nil
	})
}

// StartAuth undoes StopAuth.
func (s *Server) StartAuth() {
	s.t.Helper()
	s.authDown = false
	s.reload()
	s.await("both ports to greet", s.bothGreet)
}

// directory returns where the users are: the directory in the sense of LDAP, and of Unix.
func (s *Server) directory() string { return filepath.Join(s.dir, "users") }

// StopDirectory makes the directory of users unreachable. Every login, with the right
// password too, is answered NO [UNAVAILABLE] (RFC 5530 section 3).
func (s *Server) StopDirectory() {
	s.t.Helper()
	process.Must(s.t, errors.Join(
		// With a file in its place, what was in the directory cannot be opened any more (ENOTDIR).
		os.Rename(s.directory(), s.directory()+".away"),
		os.WriteFile(s.directory(), nil, 0o644),
	))
}

// StartDirectory undoes StopDirectory.
func (s *Server) StartDirectory() {
	s.t.Helper()
	process.Must(s.t, errors.Join(os.Remove(s.directory()), os.Rename(s.directory()+".away", s.directory())))
}

// reload writes the configuration and has the master read it. What it changes is in effect
// only some time later: see await.
func (s *Server) reload() {
	s.t.Helper()
	process.Must(s.t, s.writeConfig())
	process.Must(s.t, syscall.Kill(s.running().PID, syscall.SIGHUP))
}

func (s *Server) running() *process.Process {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatal("the Dovecot is stopped: call Start first")
	}
	return s.process
}
