package daemon

import (
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/web"
)

// keptDescriptors are kept from the probes, beside those of the status page: for the clients of
// the control socket, for messages, and for the journal and the files.
const keptDescriptors = control.MostClients + 128

// probeDescriptors returns how many files probes may have open at once; 0: as many
// as they want.
func probeDescriptors() int {
	limit, known := descriptorLimit()
	if !known {
		return 0
	}
	return probeShare(limit)
}

// clientPlaces returns how many clients of the control socket are served at once.
func clientPlaces() int {
	limit, known := descriptorLimit()
	if !known {
		return control.MostClients
	}
	return clientShare(limit)
}

// pagePlaces returns how many connections the status page may have at once.
func pagePlaces() int {
	limit, known := descriptorLimit()
	if !known {
		return web.MostConnections
	}
	return pageShare(limit)
}

// descriptorLimit returns how many files this process may have open. Go has raised
// the limit as far as it may (package os).
func descriptorLimit() (n int, known bool) {
	const many = 1 << 20
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(limit.Cur, many)), true
}

// probeShare returns the part of a limit that is for probes: all but what is kept, and of a
// small one a quarter at least.
func probeShare(limit int) int {
	return max(limit-keptDescriptors-pageShare(limit), limit/4)
}

// clientShare returns the part of a limit that is for clients: a quarter at most, so that
// clients that never hang up leave the rest for messages and the journal.
func clientShare(limit int) int { return min(control.MostClients, limit/4) }

// pageShare returns the part of a limit that is for the status page: an eighth at most, so that
// browsers leave three eighths for messages and the journal where the control socket is full, too.
func pageShare(limit int) int { return min(web.MostConnections, limit/8) }

// perProbe is how many files a probe has open: one for each address of a server,
// and most have an IPv4 and an IPv6 address.
const perProbe = 2

// probesAtOnce bounds max_concurrent_probes by the files that probes may have open;
// 0: as many as they want. Probes that wait for a turn are shared out between servers
// that hang and others; those that found no file would know nothing, whoever they
// are about.
func probesAtOnce(configured, descriptors int) int {
	if descriptors == 0 {
		return configured
	}
	return min(configured, max(1, descriptors/perProbe))
}

// limitProbesAtOnce bounds max_concurrent_probes by the files that this process may open,
// and logs when that is fewer than the configuration allows.
func (m *monitor) limitProbesAtOnce(configured int) int {
	files := probeDescriptors()
	most := probesAtOnce(configured, files)
	if most < configured {
		m.Log.Warn("fewer probes run at once than max_concurrent_probes allows, because this process may not open more files (LimitNOFILE=, ulimit -n)",
			zap.Int("max_concurrent_probes", configured), zap.Int("probes_at_once", most), zap.Int("files_for_probes", files))
	}
	return most
}
