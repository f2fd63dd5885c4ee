package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A door is an address that is listened on.
type door struct {
	net.Listener
	address string
	tls     atomic.Pointer[tls.Config] // nil: without TLS
	places  *places
	server  *http.Server // nil: not yet
}

// Prepare binds the address of a configuration, unless it is bound already. An address that a
// reload brings and that cannot be bound is an error. Otherwise the daemon goes on without a
// page and tries again: at the start, when the servers must not be unwatched for a page; and
// with an address that nobody has chosen.
func (s *Server) Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic) {
	refuse := func(summary, detail string) []config.Diagnostic {
		return []config.Diagnostic{{Gravity: config.Error, Summary: summary, Detail: detail, Pos: cfg.Daemon.ListenPos}}
	}
	next, err := s.settingsOf(cfg)
	if err != nil {
		return nil, nil, refuse("The status page cannot use its certificate", err.Error())
	}
	last := s.settings.Load()
	if last != nil && last.unfit == nil && next.unfit != nil {
		return nil, nil, refuse("The status page must not be served at "+next.address, next.unfit.Error())
	}
	fresh, err := s.bindFresh(next)
	if err != nil && !errors.Is(err, errOwnPort) && next.written && last != nil && last.address != next.address {
		return nil, nil, refuse("The status page cannot listen at "+next.address, explainBind(err))
	}
	discard = func() {
		if fresh != nil {
			fresh.close()
		}
	}
	return func() { s.apply(next, fresh, err) }, discard, nil
}

// apply puts settings into force. fresh is the door for their address; nil: it is open already,
// or there is none to open, or it could not be opened because of problem.
func (s *Server) apply(next *settings, fresh *door, problem error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings.Store(next)
	s.gate.Use(next.config)
	s.problem = nil
	if s.open != nil && (s.open.address != next.address || next.unfit != nil) {
		_ = s.open.Close()
		s.old, s.open = append(s.old, s.open), nil
	}
	if s.open == nil {
		s.openDoor(next, fresh, cmp.Or(problem, next.unfit))
	}
	if s.open != nil {
		s.open.tls.Store(next.tls)
	}
	s.wake()
}

// wake has Run look at the doors.
func (s *Server) wake() {
	select {
	case s.changed <- struct{}{}:
	default: // it is to look already
	}
}

// openDoor opens a door that was bound before, or says why it cannot. s.mu is held.
func (s *Server) openDoor(next *settings, fresh *door, problem error) {
	if fresh == nil && errors.Is(problem, errOwnPort) {
		fresh, problem = s.bind(next.address) // the port is free now
	}
	switch {
	case fresh != nil:
		fresh.tls.Store(next.tls)
		s.open = fresh
		s.options.Log("the status page listens at "+fresh.Addr().String(), nil)
	case problem != nil:
		s.problem = problem
		s.options.Log(noPage(problem), problem)
	}
}

// noPage says that there is no page, and why.
func noPage(problem error) string {
	if _, ok := errors.AsType[unfitError](problem); ok {
		return "there is no status page: " + problem.Error()
	}
	return "there is no status page: " + explainBind(problem) + " imapvigil tries again every " + bindEvery.String()
}

// errOwnPort says that the server itself has the port, with another host: :9143 and
// 127.0.0.1:9143 cannot be bound at the same time.
var errOwnPort = errors.New("the port is in use by imapvigil's own status page")

// bindFresh returns the door for settings; nil: it is open already, or none is wanted.
func (s *Server) bindFresh(next *settings) (*door, error) {
	s.mu.Lock()
	open := s.open
	s.mu.Unlock()
	if next.address == "" || open != nil && open.address == next.address {
		return nil, nil
	}
	if next.unfit != nil {
		return nil, next.unfit
	}
	d, err := s.bind(next.address)
	if errors.Is(err, syscall.EADDRINUSE) && open != nil && portOf(open.address) == portOf(next.address) {
		return nil, errOwnPort
	}
	return d, err
}

// bindTime is how long a name may take to be looked up.
const bindTime = 5 * time.Second

func (s *Server) bind(address string) (*door, error) {
	ctx, cancel := context.WithTimeout(context.Background(), bindTime)
	defer cancel()
	var listening net.ListenConfig
	l, err := listening.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &door{Listener: l, address: address, places: s.places}, nil
}

// bindAgain tries to bind an address that could not be bound.
func (s *Server) bindAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.settings.Load()
	if s.open != nil || next == nil || next.address == "" || next.unfit != nil {
		return
	}
	d, err := s.bind(next.address)
	if err != nil {
		s.problem = err // it has been logged
		return
	}
	s.problem = nil
	s.openDoor(next, d, nil)
	s.wake()
}

// Note says that nothing listens although something should; empty: all is well.
func (s *Server) Note() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem == nil {
		return ""
	}
	return noPage(s.problem)
}

// explainBind says why an address cannot be bound, and what to do.
func explainBind(err error) string {
	var at *net.OpError
	where := "its address"
	if errors.As(err, &at) && at.Addr != nil {
		where = at.Addr.String()
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("Another process listens at %s. Stop it, or set another port: daemon { listen = \"127.0.0.1:9144\" }.", where)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("This machine does not have the address %s. Set daemon { listen } to one that it has.", where)
	case errors.Is(err, syscall.EACCES):
		return fmt.Sprintf("Only root may listen at %s. Set daemon { listen } to a port above 1023.", where)
	}
	return fmt.Sprintf("%v.", err)
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return port
}

// isLoopback reports whether only this machine reaches the address.
func (d *door) isLoopback() bool {
	at, ok := d.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

// close closes the door and ends what was begun there.
func (d *door) close() {
	_ = d.Listener.Close()
	if d.server != nil {
		_ = d.server.Close()
	}
}

// drainTime is how long answers that were begun at an address may take once the daemon listens
// elsewhere.
const drainTime = 5 * time.Second

// drain ends what was begun at a door that is closed: what takes longer is cut off.
func (d *door) drain() {
	if d.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if d.server.Shutdown(ctx) != nil {
		_ = d.server.Close()
	}
}
