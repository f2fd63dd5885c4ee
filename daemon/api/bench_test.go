package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// BenchmarkRoundsWhileWatched is how long a result waits for its round at 10,000 checks that are
// probed once a minute, while nobody watches, and while 200 clients do over TCP, of whom 50 never
// read: the middle and the slowest of a hundred.
//
//	go test -run '^$' -bench RoundsWhileWatched -benchtime 3000x ./daemon/api
func BenchmarkRoundsWhileWatched(b *testing.B) {
	for _, clients := range []int{0, 200} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) { benchmarkRounds(b, clients) })
	}
}

func benchmarkRounds(b *testing.B, clients int) {
	b.Helper()
	d := &living{}
	var err error
	if d.tracker, err = tracker.Open(tracker.Options{Journal: &d.log, Sender: &d.log}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = d.tracker.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	for i := range 10_000 {
		id := config.CheckID(fmt.Sprintf("mx%05d/imaps", i))
		cfg.Checks[id] = &config.Check{ID: id, Label: string(id), Enabled: true, Policy: config.Policy{FaultTolerance: time.Hour}}
	}
	if err := d.tracker.Configure(ctx, cfg); err != nil {
		b.Fatal(err)
	}
	server := serveClients(b, d, clients)
	defer server.Close()
	defer server.CloseClientConnections()
	// A tenth of the checks fails now and then, so that there is something to tell.
	took := make([]time.Duration, 0, b.N)
	pace := time.NewTicker(time.Minute / 10_000)
	defer pace.Stop()
	for n := 0; b.Loop(); n++ {
		<-pace.C
		began := time.Now()
		d.observeIn(ctx, config.CheckID(fmt.Sprintf("mx%05d/imaps", n*7919%10_000)), n%10 != 0)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-us")
}

// serveClients serves the events to clients over TCP, of whom every fourth never reads.
func serveClients(b *testing.B, d *living, clients int) *httptest.Server {
	b.Helper()
	mux := http.NewServeMux()
	for _, route := range api.Routes(d) {
		mux.Handle(route.Pattern, route.Handler)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &api.Visitor{Name: r.Header.Get("Name"), Rights: everything.Rights}
		mux.ServeHTTP(w, r.WithContext(api.WithVisitor(r.Context(), v)))
	}))
	for i := range clients {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		if _, err := fmt.Fprintf(conn, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nName: %d\r\n\r\n", i); err != nil {
			b.Fatal(err)
		}
		if i%4 == 3 {
			continue
		}
		go func() {
			for in := bufio.NewReader(conn); ; {
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
		}()
	}
	return server
}
