package daemon

import (
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/config"
)

// tellTime is how long whoever should read the notify socket may take: nothing
// waits for one who does not.
const tellTime = time.Second

// notifySystemd writes to systemd's notify socket, one datagram (sd_notify(3)). Without
// a socket there is nobody to tell, and a lost word changes nothing. The
// library's own function has no deadline.
func (e Environment) notifySystemd(state string) {
	if e.NotifySocket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: e.NotifySocket, Net: "unixgram"})
	if err != nil {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(tellTime))
	_, _ = conn.Write([]byte(state))
	_ = conn.Close()
}

// tellReady tells systemd what runs, and what is wrong with the files if it is not they.
func (e Environment) tellReady(cfg *config.Config, wrong string) {
	status := summarise(cfg)
	if wrong != "" {
		status += "; " + joinLines(wrong)
	}
	e.notifySystemd("READY=1\nSTATUS=" + status)
}

// tellRefused tells systemd why a start was refused: while systemd waits for the next
// try, systemctl status shows this, and no log.
func (e Environment) tellRefused(err error) {
	e.notifySystemd("STATUS=not started: " + joinLines(err.Error()))
}

// joinLines makes one line of a text: in a datagram of sd_notify(3) each line is a word of
// its own.
func joinLines(text string) string { return strings.ReplaceAll(text, "\n", " ") }

// tellReloading announces a reload; READY=1 ends it. systemd wants the
// monotonic clock of that moment in the same datagram (sd_notify(3)).
func (e Environment) tellReloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return
	}
	usec := time.Duration(now.Nano()).Microseconds()
	e.notifySystemd("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(usec, 10))
}
