package bustest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// A Path is the way from one machine to all servers: a proxy before each.
type Path struct {
	servers *Servers
	proxies []*proxy
}

// NewPath returns a way of its own.
func (s *Servers) NewPath(t testing.TB) *Path {
	t.Helper()
	path := &Path{servers: s}
	for _, one := range s.servers {
		path.proxies = append(path.proxies, newProxy(t, one.at(one.client)))
	}
	return path
}

// URLs returns the addresses of all servers by this way.
func (p *Path) URLs() (urls []string) {
	for _, x := range p.proxies {
		urls = append(urls, p.servers.url(x.address()))
	}
	return urls
}

// Through returns options with which a node connects by a way of its own, and that way.
func (s *Servers) Through(t testing.TB, node string) (bus.Options, *Path) {
	t.Helper()
	return s.through(t, member{Cluster, node})
}

func (s *Servers) through(t testing.TB, m member) (bus.Options, *Path) {
	t.Helper()
	o, path := s.options(t, m), s.NewPath(t)
	o.Servers = path.URLs()
	return o, path
}

// ConnectThrough connects a node by a way of its own.
func (s *Servers) ConnectThrough(t testing.TB, node string) (bus.Bus, *Path) {
	t.Helper()
	o, path := s.Through(t, node)
	return connect(t, o), path
}

// BlackHole has nothing pass, in one or both directions: connections stay, and nobody hears anything.
// What was on its way arrives after Heal, as TCP has it.
func (p *Path) BlackHole(toServers, fromServers bool) {
	p.each(func(x *proxy) { x.set(gate{toServers: toServers, fromServers: fromServers}) })
}

// Reset ends all connections, and refuses new ones until Heal.
func (p *Path) Reset() {
	p.each(func(x *proxy) {
		x.set(gate{refuse: true})
		x.resetAll()
	})
}

// Delay delays everything, in each direction, from now on.
func (p *Path) Delay(d time.Duration) { p.each(func(x *proxy) { x.setDelay(d) }) }

// Heal lets everything pass again.
func (p *Path) Heal() { p.each(func(x *proxy) { x.set(gate{}) }) }

func (p *Path) each(do func(*proxy)) {
	for _, x := range p.proxies {
		do(x)
	}
}

// A gate says what passes; the zero gate lets everything pass.
type gate struct{ toServers, fromServers, refuse bool }

// A proxy stands before one server.
type proxy struct {
	listener net.Listener
	target   string
	ctx      context.Context // ends with the test
	tasks    sync.WaitGroup

	mu      sync.Mutex
	gate    gate
	delay   time.Duration
	changed chan struct{} // closed when gate changes, then made anew
	conns   map[net.Conn]bool
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	process.Must(t, err)
	ctx, end := context.WithCancel(context.Background())
	p := &proxy{
		listener: listener, target: target, ctx: ctx,
		changed: make(chan struct{}), conns: map[net.Conn]bool{},
	}
	p.tasks.Go(p.accept)
	t.Cleanup(func() {
		end()
		_ = listener.Close()
		p.resetAll()
		p.tasks.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) set(g gate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate = g
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *proxy) setDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(client) {
			continue
		}
		p.tasks.Go(func() { p.serve(client) })
	}
}

// keep remembers a connection, or resets it and reports false.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gate.refuse || p.ctx.Err() != nil {
		reset(c)
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) resetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
	clear(p.conns)
}

// reset closes a connection so that the other end is told of a reset.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func (p *proxy) serve(client net.Conn) {
	server, err := new(net.Dialer).DialContext(p.ctx, "tcp", p.target)
	if err != nil {
		reset(client)
		return
	}
	if !p.keep(server) {
		reset(client)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, func(g gate) bool { return g.toServers }) })
	both.Go(func() { p.copy(client, server, func(g gate) bool { return g.fromServers }) })
	both.Wait()
}

// A chunk is what was read at once, and when it may be written.
type chunk struct {
	due  time.Time
	data []byte
}

// copy copies in one direction. When either end closes it closes the other.
func (p *proxy) copy(to, from net.Conn, shut func(gate) bool) {
	chunks := make(chan chunk, 1024)
	p.tasks.Go(func() {
		defer to.Close()
		for c := range chunks {
			if p.wait(c.due, shut) {
				_, _ = to.Write(c.data)
			}
		}
	})
	defer close(chunks)
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			p.mu.Lock()
			due := time.Now().Add(p.delay)
			p.mu.Unlock()
			chunks <- chunk{due, buffer[:n]}
		}
		if err != nil {
			return
		}
	}
}

// wait waits until something is due and may pass, and reports false when the test has ended.
func (p *proxy) wait(due time.Time, shut func(gate) bool) bool {
	if d := time.Until(due); d > 0 {
		select {
		case <-time.After(d):
		case <-p.ctx.Done():
			return false
		}
	}
	for {
		p.mu.Lock()
		stands, changed := shut(p.gate), p.changed
		p.mu.Unlock()
		if !stands {
			return p.ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-p.ctx.Done():
			return false
		}
	}
}
