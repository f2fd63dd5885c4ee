package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// Ports are taken from below the range that Linux gives to outgoing connections and to
// listeners on port 0 (ip_local_port_range, 32768 to 60999), so that no other program
// is handed one of them while the server is stopped.
const (
	firstPort = 20000
	ports     = 10000
)

// ClaimPort returns a port that is free on all addresses, which must be loopback addresses, and
// keeps it for the test. The claim is a listener on an abstract unix socket (unix(7)): it holds
// against every other test process of this network namespace, and ends with the process, however
// that ends.
func ClaimPort(t testing.TB, addresses []string) (int, error) {
	for _, address := range addresses {
		if ip := net.ParseIP(address); ip == nil || !ip.IsLoopback() {
			return 0, fmt.Errorf("%q is not a loopback address", address)
		}
	}
	// Test processes that begin at the same port would all meet the same claims.
	offset := rand.IntN(ports)
	for i := range ports {
		port := firstPort + (offset+i)%ports
		claim, err := net.Listen("unix", fmt.Sprintf("@imapvigil/port/%d", port))
		if err != nil {
			continue
		}
		err = free(port, addresses)
		if err == nil {
			t.Cleanup(func() { _ = claim.Close() })
			return port, nil
		}
		_ = claim.Close()
		// A port in use is no trouble; an address that this machine does not have is.
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, fmt.Errorf("looking for a free port: %w", err)
		}
	}
	return 0, fmt.Errorf("no free port from %d to %d", firstPort, firstPort+ports-1)
}

func free(port int, addresses []string) error {
	for _, address := range addresses {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}
