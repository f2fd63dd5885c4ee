package serverfiles

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/imapvigil/imapvigil/config"
)

// The ports on which a server listens, where the URLs name no others: for nodes, for nodes by
// WebSocket, and for the other servers.
const (
	nodePort      = 4222
	webSocketPort = 443
	routePort     = 6222
)

// A Server is one of the NATS servers of a cluster.
type Server struct {
	Host      string // as the nodes reach it
	Port      int    // for tls://, or nats://; 0: for neither
	WebSocket int    // the port for wss://; 0: none
	// Plain is a server without TLS, which can be reached from its own machine alone.
	Plain bool
}

// Servers returns the servers that the files name, in their order. Two URLs with one host are one
// server that can be reached in two ways.
func Servers(c *config.Cluster) ([]Server, error) {
	var servers []Server
	for _, text := range c.Servers {
		u, err := url.Parse(text)
		if err != nil {
			return nil, errors.New("servers has a URL that cannot be read")
		}
		i := slices.IndexFunc(servers, func(s Server) bool { return s.Host == u.Hostname() })
		if i < 0 {
			i, servers = len(servers), append(servers, Server{Host: u.Hostname()})
		}
		if err := servers[i].add(u); err != nil {
			return nil, err
		}
	}
	if len(servers) > 1 && slices.ContainsFunc(servers, func(s Server) bool { return s.Plain }) {
		return nil, errors.New("a server at nats:// is on the machine of its node, so it can only be the only one. Use " +
			"tls:// for several")
	}
	return servers, nil
}

// add notes that a server can be reached at a URL.
func (s *Server) add(u *url.URL) error {
	port, _ := strconv.Atoi(u.Port()) // of nothing, 0
	place, usual := &s.Port, nodePort
	switch u.Scheme {
	case "wss":
		place, usual = &s.WebSocket, webSocketPort
	case "nats":
		s.Plain = true
	}
	if *place != 0 {
		return fmt.Errorf("servers has two URLs of %s that differ in nothing but the port. Several servers need a host "+
			"name each", s.Host)
	}
	if port == 0 {
		port = usual
	}
	*place = port
	if s.Plain && s.WebSocket != 0 {
		return fmt.Errorf("servers has %s with TLS and without. Use one of them", s.Host)
	}
	return nil
}
