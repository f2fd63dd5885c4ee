package daemon

import (
	"strconv"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// tell writes to systemd's notify socket, one datagram (sd_notify(3)). Without
// a socket there is nobody to tell, and a lost word changes nothing.
func tell(state string) { _, _ = systemd.SdNotify(false, state) }

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
