package imaptest

import (
	"fmt"
	"net/netip"
	"os"
	"syscall"
)

// A ReservedPort is a port of a loopback address at which nothing listens: a socket is
// bound to it and never listens, so Linux refuses connections, and gives the port to
// nobody who asks for any free one (port 0, or the near end of a connection). A server
// that knows its number may listen there for a while: net.Listen sets SO_REUSEADDR, as
// this socket does (socket(7)).
//
// A port that a listener was closed to get is no substitute: another server may be
// given it at once.
type ReservedPort struct {
	fd      int
	address netip.AddrPort
}

// ReservePort reserves a port of an address such as "127.0.0.1:0".
func ReservePort(address string) (*ReservedPort, error) {
	wanted, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("reserving a port: %w", err)
	}
	if !wanted.Addr().IsLoopback() {
		return nil, fmt.Errorf("reserving a port: %s is not a loopback address", address)
	}
	family, at := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Port: int(wanted.Port()), Addr: wanted.Addr().As16()})
	if wanted.Addr().Is4() {
		family, at = syscall.AF_INET, &syscall.SockaddrInet4{Port: int(wanted.Port()), Addr: wanted.Addr().As4()}
	}
	// A child process that inherited the socket would keep the port.
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reserving a port: %w", os.NewSyscallError("socket", err))
	}
	r := &ReservedPort{fd: fd, address: wanted}
	if err := r.bind(at); err != nil {
		r.Close()
		return nil, fmt.Errorf("reserving a port: %w", err)
	}
	return r, nil
}

func (r *ReservedPort) bind(at syscall.Sockaddr) error {
	// Without it on both sockets net.Listen would find the port in use.
	if err := syscall.SetsockoptInt(r.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(r.fd, at); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := syscall.Getsockname(r.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	port := 0
	switch at := bound.(type) {
	case *syscall.SockaddrInet4:
		port = at.Port
	case *syscall.SockaddrInet6:
		port = at.Port
	}
	r.address = netip.AddrPortFrom(r.address.Addr(), uint16(port))
	return nil
}

// Addr returns the address with its port.
func (r *ReservedPort) Addr() netip.AddrPort { return r.address }

// Close gives the port back.
func (r *ReservedPort) Close() { _ = syscall.Close(r.fd) }
