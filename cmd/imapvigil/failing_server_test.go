//go:build !quick

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

// A failingServer is an IMAP server that fails and recovers when it is told. It has a
// loopback address of its own (127.0.0.0/8), so that nobody takes its port
// while it does not listen.
type failingServer struct {
	check     config.CheckID
	address   string // host:port
	well, ill *imaptest.Server
	refuses   bool // when it fails nothing listens; else ill answers

	mu       sync.Mutex
	listener net.Listener
	failing  bool
	periods  []failurePeriod
	serving  sync.WaitGroup
}

// A failurePeriod is a time in which a server failed.
type failurePeriod struct {
	from, to time.Time
	// brief: shorter than the tolerance, so that nobody may hear of it.
	brief bool
}

func (b failurePeriod) String() string {
	return fmt.Sprintf("a failure from %s to %s", clockTime(b.from), clockTime(b.to))
}

// The ways to fail, for one server after the other.
var failures = []string{
	"", // nothing listens
	"S: * BYE down for maintenance\nclose",
	"reset",
	"S: * OK ready\nC: * CAPABILITY\nS: $tag NO not now\nclose",
}

const isWell = "S: * OK ready\nserve"

// startFailingServers starts n servers, for the checks c000, c001, ...
func startFailingServers(t testing.TB, n int) []*failingServer {
	t.Helper()
	list := make([]*failingServer, n)
	net1, net2 := 1+rand.IntN(250), rand.IntN(250)
	for i := range list {
		script := failures[i%len(failures)]
		f := &failingServer{
			check:   config.CheckID(fmt.Sprintf("c%03d", i)),
			address: fmt.Sprintf("127.%d.%d.%d:0", net1, net2+i/250, 1+i%250),
			well:    imaptest.New(imaptest.MustParse(isWell), nil),
			ill:     imaptest.New(imaptest.MustParse(script), nil),
			refuses: script == "",
		}
		if err := f.listen(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.close)
		list[i] = f
	}
	return list
}

// failingServerConfig returns a file that declares a check for each server. What more
// returns for a check is added to its block.
func failingServerConfig(list []*failingServer, more func(i int) string) string {
	var text strings.Builder
	for i, f := range list {
		host, port, _ := net.SplitHostPort(f.address)
		fmt.Fprintf(&text, "imap_check %q {\n  hostname = %q\n  port     = %s\n  security = \"none\"\n%s}\n", f.check, host, port, more(i))
	}
	return text.String()
}

func (f *failingServer) listen() error {
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return err
	}
	f.listener, f.address = listener, listener.Addr().String()
	f.serving.Go(func() { f.accept(listener) })
	return nil
}

func (f *failingServer) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		server := f.well
		if f.failing {
			server = f.ill
		}
		f.mu.Unlock()
		server.Talk(conn)
	}
}

func (f *failingServer) close() {
	f.mu.Lock()
	if f.listener != nil {
		_ = f.listener.Close()
	}
	f.mu.Unlock()
	f.serving.Wait()
	f.well.Close()
	f.ill.Close()
}

// fail makes the server fail from now on.
func (f *failingServer) fail(brief bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = true
	f.periods = append(f.periods, failurePeriod{from: time.Now(), brief: brief})
	if f.refuses {
		_ = f.listener.Close()
		f.listener = nil
	}
}

// recover makes the server work from now on.
func (f *failingServer) recover() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = false
	f.periods[len(f.periods)-1].to = time.Now()
	if f.refuses {
		return f.listen()
	}
	return nil
}

// last returns the latest period, or the current one.
func (f *failingServer) last() failurePeriod {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.periods[len(f.periods)-1]
}

// all returns the periods so far.
func (f *failingServer) all() []failurePeriod {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.periods)
}
