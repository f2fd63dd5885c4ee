package daemon

import (
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tellTime is how long whoever should read the notify socket may take: nothing
// waits for one who does not.
const tellTime = time.Second

// tell writes to systemd's notify socket, one datagram (sd_notify(3)). Without
// a socket there is nobody to tell, and a lost word changes nothing. The
// library's own function has no deadline.
func tell(state string) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(tellTime))
	_, _ = conn.Write([]byte(state))
	_ = conn.Close()
}

// tellRefused says why a start was refused, on one line (sd_notify(3)): while
// systemd waits for the next try, systemctl status shows this, and no log.
func tellRefused(err error) {
	tell("STATUS=not started: " + strings.ReplaceAll(err.Error(), "\n", " "))
}

// tellReloading announces a reload; READY=1 ends it. systemd wants the
// monotonic clock of that moment in the same datagram (sd_notify(3)).
func tellReloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return
	}
	usec := time.Duration(now.Nano()).Microseconds()
	tell("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(usec, 10))
}
