// Package metrics tells Prometheus what the daemon knows: /metrics is every check and the
// daemon itself, /probe is one fresh probe that counts nowhere.
//
// What there is of each check is written by a writer of our own, as it is read from a
// snapshot: 10,000 checks have 170,000 series, for which client_golang needs 0.8 s of CPU and
// leaves 155 MB of garbage a scrape. The library keeps what is counted once a process: Go's
// own metrics, those of the process, and histograms.
//
// A label holds what the files say, an address, or a word of ours, and never a word of a
// server. What is not known has no series: a check that cannot be judged is neither up nor
// down.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// Options are what the metrics are made of.
type Options struct {
	Daemon  api.Daemon
	Counts  *Counts // nil: nothing was counted
	Version string  // of the program
}

// Routes returns what this room serves.
func Routes(o Options) []api.Route {
	if o.Counts == nil {
		o.Counts = NewCounts()
	}
	own := prometheus.NewRegistry()
	own.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), o.Counts.histogram,
	)
	s, p := &scraper{Options: o, own: own}, &prober{daemon: o.Daemon}
	return []api.Route{
		{Pattern: "GET /metrics", Right: api.Metrics, Handler: http.HandlerFunc(s.serveMetrics)},
		{Pattern: "GET /probe", Right: api.Metrics, Handler: http.HandlerFunc(p.serveProbe)},
	}
}
