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

// A flapper is an IMAP server that fails and recovers when it is told. It has a
// loopback address of its own (127.0.0.0/8), so that nobody takes its port
// while it does not listen.
type flapper struct {
	check     config.CheckID
	address   string // host:port
	well, ill *imaptest.Server
	refuses   bool // when it fails nothing listens; else ill answers

	mu       sync.Mutex
	listener net.Listener
	failing  bool
	bouts    []bout
	serving  sync.WaitGroup
}

// A bout is a time in which a server failed.
type bout struct {
	from, to time.Time
	// brief: shorter than the tolerance, so that nobody may hear of it.
	brief bool
}

func (b bout) String() string {
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

// startFlappers starts servers for the checks c000, c001, ...
func startFlappers(t testing.TB, n int) []*flapper {
	t.Helper()
	list := make([]*flapper, n)
	net1, net2 := 1+rand.IntN(250), rand.IntN(250)
	for i := range list {
		script := failures[i%len(failures)]
		f := &flapper{
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

// flapperConfig declares the checks of the servers. What more says of a check
// is added to it.
func flapperConfig(list []*flapper, more func(i int) string) string {
	var text strings.Builder
	for i, f := range list {
		host, port, _ := net.SplitHostPort(f.address)
		fmt.Fprintf(&text, "imap_check %q {\n  hostname = %q\n  port     = %s\n  security = \"none\"\n%s}\n", f.check, host, port, more(i))
	}
	return text.String()
}

func (f *flapper) listen() error {
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return err
	}
	f.listener, f.address = listener, listener.Addr().String()
	f.serving.Go(func() { f.accept(listener) })
	return nil
}

func (f *flapper) accept(listener net.Listener) {
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

func (f *flapper) close() {
	f.mu.Lock()
	if f.listener != nil {
		_ = f.listener.Close()
	}
	f.mu.Unlock()
	f.serving.Wait()
	f.well.Close()
	f.ill.Close()
}

// fail from now on.
func (f *flapper) fail(brief bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = true
	f.bouts = append(f.bouts, bout{from: time.Now(), brief: brief})
	if f.refuses {
		_ = f.listener.Close()
		f.listener = nil
	}
}

// recover from now on.
func (f *flapper) recover() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = false
	f.bouts[len(f.bouts)-1].to = time.Now()
	if f.refuses {
		return f.listen()
	}
	return nil
}

// last is the latest bout, or the current one.
func (f *flapper) last() bout {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bouts[len(f.bouts)-1]
}

// all lists the bouts so far.
func (f *flapper) all() []bout {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bouts)
}
