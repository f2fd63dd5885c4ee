// Package web is where people and programs ask the daemon over TCP: the status page, its API,
// /metrics and /probe.
//
// It owns the listener, and what holds for every request: how many may come and how long they
// may take, who asks (daemon/web/access), what they may ask, and the headers that protect a
// browser. What is answered is made in the rooms that give it their routes. There is one table
// of routes, and nothing is served that does not stand in it.
//
// The daemon does not need it: an address that cannot be bound, a page that hangs or a thousand
// clients delay no alarm.
package web

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/web/access"
	"github.com/imapvigil/imapvigil/daemon/web/pages"
)

// Options are what a server is made of.
type Options struct {
	// Listen is the address that the command line names; nil: it is the configuration's.
	Listen *string
	// Routes are what other rooms serve.
	Routes []api.Route
	// Healthy returns what does not make progress; Ready also what is not as it should be.
	Healthy, Ready func(context.Context) error
	// Log hears of the listener, with an error where something is wrong; nil: nobody does.
	Log func(msg string, err error)
	// Most is how many connections are open at once; 0: [MostConnections].
	Most int
}

// A Server serves the routes at the address of the configuration in force. A reload prepares and
// commits it, as the other parts of the daemon.
type Server struct {
	options  Options
	places   *places
	gate     *access.Gate
	routes   []api.Route
	handler  http.Handler
	settings atomic.Pointer[settings] // in force; nil: none yet
	changed  chan struct{}            // holds one when [Server.Run] has something to do

	mu      sync.Mutex
	open    *door   // nil: nothing listens
	old     []*door // listen no more, and their answers end
	problem error   // why nothing listens
}

// New makes a server, which listens nowhere before its first configuration.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = func(string, error) {}
	}
	if o.Most == 0 {
		o.Most = MostConnections
	}
	s := &Server{options: o, places: newPlaces(o.Most), changed: make(chan struct{}, 1)}
	s.gate = access.NewGate(access.Options{ShowLogin: showLogin, ShowFault: showFault, Log: o.Log})
	s.routes = append(s.ownRoutes(), o.Routes...)
	s.handler = s.protect(s.newMux(s.routes))
	return s
}

// Routes lists all that is served.
func (s *Server) Routes() []api.Route { return s.routes }

func showLogin(w http.ResponseWriter, r *http.Request, cfg *config.Config, f access.Form) {
	pages.WriteLogin(w, r, cfg, pages.Login(f))
}

func showFault(w http.ResponseWriter, r *http.Request, cfg *config.Config, refusal access.Refusal) {
	pages.WriteFault(w, r, cfg, pages.Fault{Status: refusal.Status, Title: refusal.Title, Text: refusal.Text})
}

// bindEvery is the pause between two tries to bind an address that was taken.
const bindEvery = 30 * time.Second

// Run serves until ctx ends, and returns when all answers have ended.
func (s *Server) Run(ctx context.Context) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	retry := time.NewTicker(bindEvery)
	defer retry.Stop()
	for {
		s.serveDoors(ctx, &serving)
		select {
		case <-ctx.Done():
			s.Close()
			return nil
		case <-s.changed:
		case <-retry.C:
			s.bindAgain()
		}
	}
}

// serveDoors starts serving at a door that is new, and ends what was begun at old ones.
func (s *Server) serveDoors(ctx context.Context, serving *sync.WaitGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.old {
		serving.Go(d.drain)
	}
	s.old = nil
	if d := s.open; d != nil && d.server == nil {
		d.server = s.newHTTPServer(ctx, d)
		serving.Go(func() { s.serve(d) })
	}
}

// serve answers at a door until it is closed.
func (s *Server) serve(d *door) {
	err := d.server.Serve(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == d { // nobody has closed it
		s.open, s.problem = nil, err
		s.options.Log("the status page is not served any more", err)
	}
}

// Close ends everything at once. Only a server that does not run needs it.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range append(s.old, s.open) {
		if d != nil {
			d.close()
		}
	}
	s.open, s.old = nil, nil
}
