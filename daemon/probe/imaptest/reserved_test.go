package imaptest

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// A reserved port refuses connections before and after somebody has listened there,
// and nobody who asks for a free port is given it.
func TestReservedPort(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "127.3.2.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			port, err := ReservePort(address)
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			refuses(t, port)
			for range 2 {
				listener, err := net.Listen("tcp", port.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				conn, err := net.Dial("tcp", port.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.Close()
				_ = listener.Close()
				refuses(t, port)
			}
		})
	}
}

// Linux gives away no port that a socket without SO_REUSEADDR could not be bound to.
func TestReservedPortIsTaken(t *testing.T) {
	port, err := ReservePort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bind := func() error {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
		return syscall.Bind(fd, &syscall.SockaddrInet4{Addr: port.Addr().Addr().As4(), Port: int(port.Addr().Port())})
	}
	if err := bind(); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a reserved port can be had: %v", err)
	}
	port.Close()
	if err := bind(); err != nil {
		t.Errorf("a port that was given back: %v", err)
	}
}

func TestOnlyLoopbackPortsAreReserved(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:993", "localhost:0", ""} {
		if port, err := ReservePort(address); err == nil {
			t.Errorf("%q: reserved %v", address, port.Addr())
		}
	}
}

func refuses(t *testing.T, port *ReservedPort) {
	t.Helper()
	if conn, err := net.Dial("tcp", port.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling %v: %v, %v", port.Addr(), conn, err)
	}
}
