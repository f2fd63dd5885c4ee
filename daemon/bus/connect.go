package bus

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// How the connection to a server is made and watched. A link that carries nothing is noticed
// within 1.5 seconds: two pings, half a second apart, without an answer.
const (
	dialTimeout  = 2 * time.Second
	pingInterval = 500 * time.Millisecond
	pingsLost    = 2
	// After all servers were tried the next round begins after a while, longer each time.
	shortestPause = 250 * time.Millisecond
	longestPause  = 2 * time.Second
	farewell      = time.Second // how long Close waits until what was published is sent
)

// A client is a Bus over NATS. It makes a new connection of the library whenever one ends: what
// was meant for one is never sent over another.
type client struct {
	options  Options
	access   access
	subjects subjects
	ctx      context.Context // ends with Close
	end      context.CancelFunc
	tasks    sync.WaitGroup
	pulse    pulse
	patience atomic.Int64 // how long nobody may answer for the journal until another server is tried
	words    words        // with which this node asks

	mu        sync.Mutex
	link      *link // nil: cut
	status    Status
	faults    map[server]string // why those of the servers cannot be used that were tried since the last connection
	listeners map[*listener]bool
	answerers map[*answerer]bool
	forbidden map[string]time.Time // when it was last logged that the servers forbid something

	certificates certificates
}

var _ Bus = (*client)(nil)

// Connect returns at once, also when no server can be reached, and goes on connecting in the
// background until Close. ctx carries values only, so that a node which is told to stop can still
// say so. An error is about the options.
func Connect(ctx context.Context, o Options) (Bus, error) {
	a, err := o.read()
	if err != nil {
		return nil, err
	}
	if o.Ping == 0 {
		o.Ping = pingInterval
	}
	if o.Log == nil {
		o.Log = func(string, error) {}
	}
	c := &client{
		options: o, access: a, subjects: subjects{o.Cluster},
		status: Status{Since: time.Now()}, faults: map[server]string{},
		listeners: map[*listener]bool{}, answerers: map[*answerer]bool{}, forbidden: map[string]time.Time{}, certificates: certificates{},
	}
	c.patience.Store(int64(firstSilence))
	c.ctx, c.end = context.WithCancel(context.WithoutCancel(ctx))
	c.tasks.Go(c.stayConnected)
	c.tasks.Go(c.watchCertificates)
	return c, nil
}

// stayConnected tries one server after the other for as long as the client lives. After a
// connection has ended its server is tried last.
func (c *client) stayConnected() {
	servers := slices.Clone(c.access.servers)
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	pause := shortestPause
	for failures := 0; c.ctx.Err() == nil; {
		s := servers[0]
		servers = append(servers[1:], s)
		began := time.Now()
		c.useServer(s)
		if time.Since(began) > dialTimeout+longestPause { // it was a connection, for some time at least
			failures, pause = 0, shortestPause
			continue
		}
		if failures++; failures%len(servers) == 0 {
			c.pause(pause/2 + rand.N(pause))
			pause = min(2*pause, longestPause)
		}
	}
}

func (c *client) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// useServer connects to a server and returns when the connection has ended.
func (c *client) useServer(s server) {
	l, err := c.dial(s)
	if err != nil {
		c.disconnected(s, err)
		return
	}
	c.connected(l)
	select {
	case <-l.ended:
	case <-c.ctx.Done():
		l.nats.Close()
		<-l.ended
	}
	c.disconnected(s, l.reason())
	l.tasks.Wait()
	c.dropWhatIsOld()
}

// dropWhatIsOld empties what waits for listeners, if it waited while this process did not run.
func (c *client) dropWhatIsOld() {
	if !c.pulse.missed(time.Now()) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for x := range c.listeners {
		x.drop()
	}
	for x := range c.answerers {
		x.drop()
	}
}

// connected has everybody listen on the new link, then lets them use it.
func (c *client) connected(l *link) {
	c.pulse.beat(time.Now())
	c.mu.Lock()
	for x := range c.listeners {
		l.subscribe(x)
	}
	for x := range c.answerers {
		l.subscribe(x.listener)
	}
	c.link = l
	c.status = Status{Connected: true, Since: time.Now(), Server: l.server.host}
	c.mu.Unlock()
	c.options.Log("connected to the bus at "+l.server.host, nil)
}

// disconnected notes why a server cannot be used. The same again is no news.
func (c *client) disconnected(s server, err error) {
	fault := describe(s.host, err)
	c.mu.Lock()
	lost, known := c.link != nil, c.faults[s] == fault
	if lost {
		c.link = nil
		c.status.Connected, c.status.Since = false, time.Now()
		clear(c.faults)
	}
	c.faults[s] = fault
	c.mu.Unlock()
	switch {
	case c.ctx.Err() != nil:
	case lost:
		c.options.Log("the connection to the bus has ended", errors.New(fault))
	case !known:
		c.options.Log("the bus cannot be reached", errors.New(fault))
	}
}

// detail says why the bus cannot be reached: of each server that was tried, in the order of the
// files.
func (c *client) detail() string {
	var details []string
	for _, s := range c.access.servers {
		if fault := c.faults[s]; fault != "" {
			details = append(details, fault)
		}
	}
	return cmp.Or(strings.Join(details, "; "), "not yet connected")
}

// current returns the link, or ErrCut or ErrClosed.
func (c *client) current() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ctx.Err() != nil:
		return nil, ErrClosed
	case c.link == nil:
		return nil, ErrCut
	}
	return c.link, nil
}

// Status implements Bus.
func (c *client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	switch {
	case c.ctx.Err() != nil:
		s.Connected, s.Detail = false, ErrClosed.Error()
	case c.link == nil:
		s.Detail = c.detail()
	default:
		s.RoundTrip = time.Duration(c.link.roundTrip.Load())
	}
	return s
}

// Close implements Bus.
func (c *client) Close() {
	if l, err := c.current(); err == nil {
		l.drain(farewell)
	}
	c.end()
	c.mu.Lock()
	listeners, answerers := c.listeners, c.answerers
	c.listeners, c.answerers = map[*listener]bool{}, map[*answerer]bool{}
	c.mu.Unlock()
	for x := range listeners {
		x.stop()
	}
	for x := range answerers {
		x.stop()
	}
	c.tasks.Wait()
}

// dial connects to one server.
func (c *client) dial(s server) (*link, error) {
	l := newLink(c, s)
	d := &dialer{ctx: c.ctx}
	options := []nats.Option{
		nats.Name("imapvigil " + c.options.Node),
		nats.NoReconnect(),
		nats.ReconnectBufSize(-1),
		nats.Timeout(dialTimeout),
		nats.FlusherTimeout(pingsLost * c.options.Ping),
		nats.PingInterval(c.options.Ping),
		nats.MaxPingsOutstanding(pingsLost),
		nats.SetCustomDialer(d),
		nats.SkipHostLookup(),
		nats.ClosedHandler(func(*nats.Conn) { close(l.ended) }),
		nats.ErrorHandler(l.handleError),
	}
	if s.tls {
		options = append(options, nats.Secure(c.tlsFor(s)))
	}
	conn, err := nats.Connect(s.url, append(options, c.access.login...)...)
	if err != nil {
		if d.err != nil {
			err = d.err // the library hides that the server refuses connections
		}
		return nil, err
	}
	l.start(conn)
	return l, nil
}
