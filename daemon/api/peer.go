package api

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// askPeer is the key under which the context of a request says that only trusted peers
// may have it.
type askPeer struct{}

// checkPeer refuses a connection to a process that the request of ctx is not for.
func (c *Client) checkPeer(ctx context.Context, conn net.Conn) error {
	if c.Trusts == nil || ctx.Value(askPeer{}) == nil {
		return nil
	}
	uid, err := PeerOf(conn)
	if err != nil {
		return fmt.Errorf("asking who listens on %s: %w", c.socket, err)
	}
	if !c.Trusts(uid) {
		return fmt.Errorf("the program on %s runs as user %d, which is neither root, nor you, nor the daemon's user; the files are not sent to it. If it is the daemon, name its socket: --control %s", c.socket, uid, c.socket)
	}
	return nil
}

// PeerOf returns the user of the process at the other end of a unix socket (SO_PEERCRED,
// unix(7)).
func PeerOf(conn net.Conn) (uint32, error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, errors.New("it is no unix socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, failed
	}
	return peer.Uid, nil
}
